//! What RabbitMQ's refusals say, in its own words.

use super::*;
use lab_truth::verdict::claims::OF_QUEUES;

/// A refusal of queue `signups.0`, which received `received`.
fn refusal(setting: &str, received: &str, current: &str) -> Option<Difference> {
    difference(&format!(
        "PRECONDITION_FAILED - inequivalent arg '{setting}' for queue 'signups.0' in vhost '/': \
         received {received} but current is {current}"
    ))
}

fn differs(setting: &str, current: Option<AMQPValue>) -> Option<Difference> {
    Some(Difference {
        setting: setting.to_owned(),
        current,
    })
}

#[test]
fn a_refusal_says_which_setting_differs_and_what_it_is() {
    for (setting, received, current, value) in [
        (
            "x-queue-type",
            "'quorum'",
            "'classic'",
            Some(text("classic")),
        ),
        (
            "x-queue-type",
            "the value 'quorum' of type 'longstr'",
            "none",
            None,
        ),
        (
            "x-overflow",
            "none",
            "the value 'reject-publish' of type 'longstr'",
            Some(text("reject-publish")),
        ),
        (
            "x-max-length",
            "none",
            "the value '1000000' of type 'signedint'",
            Some(AMQPValue::LongLongInt(1_000_000)),
        ),
        (
            "x-single-active-consumer",
            "none",
            "the value 'true' of type 'bool'",
            Some(AMQPValue::Boolean(true)),
        ),
        ("durable", "'true'", "'false'", Some(text("false"))),
    ] {
        assert_eq!(refusal(setting, received, current), differs(setting, value));
    }
}

#[test]
fn what_is_no_such_refusal_is_not_understood() {
    for text in [
        "",
        "NOT_FOUND - no queue 'signups.0' in vhost '/'",
        "PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue 'signups.0'",
        "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'signups.0' in vho...",
        "PRECONDITION_FAILED - inequivalent arg 'x' for queue: received none but current is [1]",
    ] {
        assert_eq!(difference(text), None, "{text}");
    }
}

#[test]
fn what_the_broker_says_is_adopted_and_recorded() {
    let mut settings = Settings::claimed();
    let claimed = OF_QUEUES.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(settings.named(), claimed.into());
    for (setting, received, current) in [
        ("durable", "'true'", "'false'"),
        ("x-queue-type", "'quorum'", "'classic'"),
        ("x-max-length", "none", "the value '5' of type 'long'"),
    ] {
        settings.adopt(refusal(setting, received, current).unwrap());
    }
    let named = settings.named();
    let named: Vec<_> = named.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(named, ["durable=false", "type=classic", "x-max-length=5"]);
    settings.adopt(differs("x-queue-type", None).unwrap());
    assert_eq!(settings.named()["type"], "not stated");
}
