use super::*;

/// Declares what a phase would.
async fn declare(queues: &TestQueues) {
    let channel = queues.connection.create_channel().await.unwrap();
    for queue in [queues.queue(0), queues.dead()] {
        let options = QueueDeclareOptions::durable();
        let none = FieldTable::default();
        channel
            .queue_declare(queue.as_str().into(), options, none)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn what_is_published_is_counted_and_taken_in_order() {
    let queues = TestQueues::create(1).await;
    declare(&queues).await;
    let queue = queues.queue(0);
    for body in [b"first", b"later"] {
        queues.publish(&queue, body).await;
    }
    assert_eq!(queues.ready(&queue).await, Some(2));
    let taken = queues.take_all(&queue).await;
    let bodies: Vec<&[u8]> = taken.iter().map(|message| &message.body[..]).collect();
    assert_eq!(bodies, [b"first", b"later"]);
    assert_eq!(queues.ready(&queue).await, Some(0));
}

#[tokio::test]
async fn its_queues_are_removed_with_it() {
    let (kept, dropped) = (TestQueues::create(1).await, TestQueues::create(1).await);
    declare(&dropped).await;
    let queue = dropped.queue(0);
    assert_eq!(kept.ready(&queue).await, Some(0));
    drop(dropped);
    assert_eq!(kept.ready(&queue).await, None);
}
