//! The lab reads the engine that `docker` speaks to: by a second way to the real one.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};

/// The socket of the engine that the tests run beside.
fn real_socket() -> String {
    let inspect = [
        "context",
        "inspect",
        "--format",
        "{{.Endpoints.docker.Host}}",
    ];
    let told = Command::new("docker").args(inspect).output().unwrap();
    let host = String::from_utf8(told.stdout).unwrap();
    host.trim().strip_prefix("unix://").unwrap().to_owned()
}

/// Another socket of the same engine; counts those who come by it.
fn second_way(socket: &Path) -> Arc<AtomicUsize> {
    let (came, real) = (Arc::new(AtomicUsize::new(0)), real_socket());
    let (listener, counted) = (UnixListener::bind(socket).unwrap(), Arc::clone(&came));
    tokio::spawn(async move {
        while let Ok((mut here, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let mut there = UnixStream::connect(&real).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut here, &mut there).await });
        }
    });
    came
}

/// What the doctor says of the engine, and how often he asked by the second way.
async fn doctor(shell: &[(&'static str, String)], came: &AtomicUsize) -> (String, usize) {
    let before = came.load(Ordering::Relaxed);
    let mut lab = tokio::process::Command::new(env!("CARGO_BIN_EXE_lab"));
    lab.args([
        "--root",
        concat!(env!("CARGO_MANIFEST_DIR"), "/../.."),
        "doctor",
    ]);
    lab.env_remove("DOCKER_HOST").env_remove("DOCKER_CONTEXT");
    let output = lab.envs(shell.iter().cloned()).output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said.lines().find(|line| line.contains(" engine "));
    (
        line.unwrap().to_owned(),
        came.load(Ordering::Relaxed) - before,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lab_goes_where_docker_goes() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("second.sock");
    let host = format!("unix://{}", socket.display());
    let came = second_way(&socket);
    let configuration = folder.path().to_str().unwrap();
    for arguments in [
        &["create", "second", "--docker", &format!("host={host}")][..],
        &["use", "second"],
    ] {
        let mut docker = Command::new("docker");
        docker
            .args(["--config", configuration, "context"])
            .args(arguments);
        assert!(docker.output().unwrap().status.success(), "{arguments:?}");
    }
    let by_context = ("DOCKER_CONFIG", configuration.to_owned());
    for shell in [&[by_context.clone()][..], &[("DOCKER_HOST", host.clone())]] {
        let (line, asked) = doctor(shell, &came).await;
        assert!(line.starts_with("ok") && line.contains(&host), "{line}");
        assert!(asked > 0);
    }
    // One that it cannot use is refused, and not passed over for another.
    let elsewhere = ("DOCKER_HOST", "ssh://somebody@192.0.2.1".to_owned());
    let (line, asked) = doctor(&[by_context, elsewhere], &came).await;
    assert!(
        line.starts_with("BAD") && line.contains("docker context use"),
        "{line}"
    );
    assert_eq!(asked, 0);
}
