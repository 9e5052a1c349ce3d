//! The streams of handlers/generator.py, from AWS's Rust runtime.

use bytes::Bytes;
use http::{header::CONTENT_TYPE, HeaderMap, HeaderValue, StatusCode};
use lambda_runtime::{
    service_fn,
    streaming::{channel, Body, Response},
    Error, LambdaEvent, MetadataPrelude,
};
use serde_json::Value;

async fn handler(event: LambdaEvent<Value>) -> Result<Response<Body>, Error> {
    let asked = &event.payload["bench"];
    let count = asked["count"].as_u64().ok_or("the event has no count")?;
    let size = asked["size"].as_u64().ok_or("the event has no size")?;
    let (mut sender, body) = channel();
    tokio::spawn(async move {
        let chunk = Bytes::from(vec![b'x'; size as usize]);
        for _ in 0..count {
            if sender.send_data(chunk.clone()).await.is_err() {
                break; // the Runtime API has closed the connection
            }
        }
    });
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
    Ok(Response {
        metadata_prelude: MetadataPrelude { status_code: StatusCode::OK, headers, cookies: Vec::new() },
        stream: body,
    })
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(handler)).await
}
