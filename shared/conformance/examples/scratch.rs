//! Scratch.
#![allow(
    clippy::all,
    clippy::unwrap_used,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    missing_docs
)]
use signup_conformance::*;
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let a: Vec<String> = std::env::args().collect();
    let t = Target::new(&a[1], Some(a[2].clone()), &a[3]).unwrap();
    let s = run(&t, a.get(4).map(String::as_str), |o| match &o.verdict {
        Verdict::Passed => println!("ok    {:5.2} {}", o.elapsed.as_secs_f64(), o.name),
        Verdict::Skipped => println!("skip  {}", o.name),
        Verdict::Failed(e) => println!("FAIL  {:5.2} {}\n{e:#}\n", o.elapsed.as_secs_f64(), o.name),
    })
    .await;
    println!("{s:?}");
}
