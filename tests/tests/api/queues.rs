//! The pollers of the local stack: batches, partial failures, visibility and dead letters, as
//! Lambda's event source mapping has them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use lambda_http::Error;
use local::queues::Poller;
use local::sqs;
use serde_json::{Value, json};
use shared::api::lambda::Function;
use tokio::net::TcpListener;

const TEMPLATE: &str = "
Resources:
  Work: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 0, RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2 } } }
  Dead: { Type: 'AWS::SQS::Queue' }
";

async fn poller(handle: impl Fn(Value) -> Result<Value, Error> + Send + Sync + 'static) -> (Poller, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(sqs::serve(listener, address));
    let client = sqs::client(&format!("http://{address}"));
    let queues = local::Template::parse(TEMPLATE, &HashMap::new()).unwrap().queues().unwrap();
    let urls = sqs::create(&client, &queues).await.unwrap();
    let handle = Arc::new(handle);
    let function = Function::Queue(Arc::new(move |event| {
        let outcome = handle(event.payload);
        Box::pin(async move { outcome })
    }));
    let queue = "lead-followup-Work".to_owned();
    let poller = Poller { client, url: urls[&queue].clone(), queue, batch_size: 10, function };
    (poller, urls["lead-followup-Dead"].clone())
}

async fn left(poller: &Poller, url: &str) -> usize {
    let received = poller.client.receive_message().queue_url(url).max_number_of_messages(10).send().await.unwrap();
    received.messages().len()
}

#[tokio::test]
async fn what_fails_comes_again_and_then_becomes_a_dead_letter_while_the_rest_is_done() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let (poller, dead) = poller(move |event| {
        let mut failed = Vec::new();
        for record in event["Records"].as_array().unwrap() {
            noted.lock().unwrap().push(record["body"].as_str().unwrap().to_owned());
            if record["body"] == "bad" {
                failed.push(json!({"itemIdentifier": record["messageId"]}));
            }
        }
        Ok(json!({ "batchItemFailures": failed }))
    })
    .await;
    for body in ["good", "bad"] {
        poller.client.send_message().queue_url(&poller.url).message_body(body).send().await.unwrap();
    }
    let mut received = 0;
    while received < 3 {
        received += poller.try_one().await.unwrap();
    }
    assert_eq!(poller.try_one().await, Ok(0));
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.iter().filter(|body| *body == "good").count(), 1);
    assert_eq!(seen.iter().filter(|body| *body == "bad").count(), 2);
    assert_eq!(left(&poller, &dead).await, 1);
}

#[tokio::test]
async fn a_function_that_fails_altogether_loses_no_message() {
    let (poller, dead) = poller(|_| Err("down".into())).await;
    poller.client.send_message().queue_url(&poller.url).message_body("x").send().await.unwrap();
    for _ in 0..2 {
        assert_eq!(poller.try_one().await, Ok(1));
    }
    assert_eq!(poller.try_one().await, Ok(0));
    assert_eq!(left(&poller, &dead).await, 1);
}
