use super::*;
use std::time::Instant;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(2);
const A_WHILE: Duration = Duration::from_millis(100);

/// An upstream that sends back what it gets, and a proxy in front of it.
async fn echo() -> FaultProxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    FaultProxy::start(address.to_string()).await.unwrap()
}

async fn connect(proxy: &FaultProxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// Sends a message and waits for its echo.
async fn ask(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"ping").await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    assert_eq!(&answer, b"ping");
    Ok(())
}

#[tokio::test]
async fn pass_forwards_both_ways_and_the_end() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    ask(&mut stream).await.unwrap();
    stream.shutdown().await.unwrap();
    let end = timeout(SOON, stream.read(&mut [0])).await.unwrap();
    assert_eq!(end.unwrap(), 0, "an orderly end");
}

#[tokio::test]
async fn cut_resets_open_connections_and_refuses_new_ones() {
    let proxy = echo().await;
    let mut open = connect(&proxy).await;
    ask(&mut open).await.unwrap();
    proxy.set(Mode::Cut);
    let end = timeout(SOON, open.read(&mut [0])).await.unwrap();
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    let mut new = connect(&proxy).await;
    assert!(timeout(SOON, ask(&mut new)).await.unwrap().is_err());
    proxy.set(Mode::Pass);
    ask(&mut connect(&proxy).await).await.unwrap();
}

#[tokio::test]
async fn hang_answers_nothing_and_never_resumes_a_stream_with_a_hole() {
    let proxy = echo().await;
    let (mut spoken, mut silent) = (connect(&proxy).await, connect(&proxy).await);
    ask(&mut spoken).await.unwrap();
    ask(&mut silent).await.unwrap();
    proxy.set(Mode::Hang);
    let mut new = connect(&proxy).await;
    assert!(timeout(A_WHILE, ask(&mut spoken)).await.is_err());
    assert!(timeout(A_WHILE, ask(&mut new)).await.is_err());
    proxy.set(Mode::Pass);
    let end = timeout(SOON, spoken.read(&mut [0])).await.unwrap();
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    ask(&mut silent).await.unwrap();
}

#[tokio::test]
async fn one_direction_is_lost_and_the_other_one_is_not() {
    for (mode, heard) in [(Mode::LoseRequests, ""), (Mode::LoseAnswers, "ping")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = FaultProxy::start(address.to_string()).await.unwrap();
        let mut client = connect(&proxy).await;
        let (mut server, _) = listener.accept().await.unwrap();
        proxy.set(mode);
        client.write_all(b"ping").await.unwrap();
        server.write_all(b"pong").await.unwrap();
        assert_eq!(arrives(&mut server).await, heard, "{mode:?}");
        let answer = if heard.is_empty() { "pong" } else { "" };
        assert_eq!(arrives(&mut client).await, answer, "{mode:?}");
        proxy.set(Mode::Pass);
        let end = timeout(SOON, client.read(&mut [0])).await.unwrap();
        assert!(end.is_err(), "{mode:?}: a stream with a hole goes on");
    }
}

/// What can be read from `stream` within a while.
async fn arrives(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4];
    match timeout(A_WHILE, stream.read_exact(&mut bytes)).await {
        Ok(read) => read
            .map(|_| String::from_utf8(bytes.to_vec()).unwrap())
            .unwrap(),
        Err(_elapsed) => String::new(),
    }
}

#[tokio::test]
async fn delay_holds_each_direction_back_and_can_be_lifted() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    proxy.set(Mode::Delay(A_WHILE));
    let start = Instant::now();
    ask(&mut stream).await.unwrap();
    assert!(start.elapsed() >= 2 * A_WHILE, "{:?}", start.elapsed());
    proxy.set(Mode::Pass);
    let start = Instant::now();
    ask(&mut stream).await.unwrap();
    assert!(start.elapsed() < A_WHILE, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_dropped_proxy_leaves_no_connection_open() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    ask(&mut stream).await.unwrap();
    drop(proxy);
    assert!(timeout(SOON, ask(&mut stream)).await.unwrap().is_err());
}

#[tokio::test]
async fn hang_new_leaves_open_connections_and_answers_no_new_one() {
    let proxy = echo().await;
    let mut open = connect(&proxy).await;
    ask(&mut open).await.unwrap();
    proxy.set(Mode::HangNew);
    let mut new = connect(&proxy).await;
    assert!(timeout(A_WHILE, ask(&mut new)).await.is_err());
    timeout(SOON, ask(&mut open)).await.unwrap().unwrap();
    proxy.set(Mode::Pass);
    let end = timeout(SOON, new.read(&mut [0])).await.unwrap();
    assert_eq!(end.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    ask(&mut connect(&proxy).await).await.unwrap();
}
