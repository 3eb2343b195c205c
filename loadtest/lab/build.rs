//! Says at once, and not after minutes of compiling, where the lab cannot run.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if target != "linux" {
        println!(
            "cargo::error=The lab needs Linux (its cgroups, /proc and timers), and this is {target}: use a \
             Linux machine, a Linux virtual machine with Docker inside it, or WSL2. What works here: reading, \
             and `cargo test -p signup-domain -p lab-truth -p lab-publish`."
        );
    }
}
