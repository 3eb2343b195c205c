//! What `--help` says, of the lab and of each of its commands. After a change on purpose,
//! `INSTA_UPDATE=always cargo test -p lab --test it help` writes it again.

#[test]
fn help_teaches() {
    let mut lab = lab::cli::command();
    lab.build();
    let mut text = lab.render_long_help().to_string();
    let commands: Vec<String> = lab
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
        .map(|command| command.get_name().to_owned())
        .collect();
    for name in commands {
        let command = lab.find_subcommand_mut(&name).unwrap();
        text += &format!("\n---- lab {name} --help\n\n{}", command.render_long_help());
    }
    insta::assert_snapshot!("help", text);
}
