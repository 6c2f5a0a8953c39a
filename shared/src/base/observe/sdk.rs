//! Traces each call of the SDK as a subsegment with service, operation, tables or queue, retries and result. It reads
//! nothing else from requests and answers except an error's code.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemInput;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemInput;
use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::TransactWriteItem;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchInput;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef, Input,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use serde::Deserialize;

use super::traces::{Of, Subsegment};

/// Traces every call of the client that it is added to.
#[derive(Debug)]
pub(crate) struct Traced;

/// The subsegment of the current call.
#[derive(Debug)]
struct Underway(Mutex<Subsegment>);

impl Storable for Underway {
    type Storer = StoreReplace<Self>;
}

#[dyn_dispatch_hint]
impl Intercept for Traced {
    fn name(&self) -> &'static str {
        "traces"
    }

    // Before this hook, the operation's name is unknown.
    fn read_before_serialization(
        &self,
        context: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(metadata) = config.load::<Metadata>() else { return Ok(()) };
        let mut call = Subsegment::begin(metadata.service(), Of::Aws);
        if !call.is_recorded() {
            return Ok(());
        }
        call.aws("operation", metadata.name());
        let tables = tables(context.input());
        match tables.len() {
            0 => {}
            1 => call.aws("table_name", tables.into_iter().collect::<String>()),
            _ => call.aws("table_names", tables.into_iter().collect::<Vec<_>>()),
        }
        if let Some(url) = context.input().downcast_ref().and_then(SendMessageBatchInput::queue_url) {
            call.aws("queue_url", url);
        }
        config.interceptor_state().store_put(Underway(Mutex::new(call)));
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(underway) = config.load::<Underway>() else { return Ok(()) };
        let nothing = Subsegment(None);
        let mut call = std::mem::replace(&mut *underway.0.lock().unwrap_or_else(PoisonError::into_inner), nothing);
        let attempts = config.load::<RequestAttempts>().map_or(1, RequestAttempts::attempts);
        if attempts > 1 {
            call.aws("retries", attempts - 1);
        }
        match context.response() {
            None => call.failed("no answer"),
            Some(response) => answered(&mut call, response),
        }
        Ok(())
    }
}

fn answered(call: &mut Subsegment, response: &HttpResponse) {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(rename = "__type")]
        kind: String,
    }
    let status = response.status().as_u16();
    call.answered(status);
    if let Some(id) = response.headers().get("x-amzn-requestid") {
        call.aws("request_id", id);
    }
    if status < 400 {
        return;
    }
    let refusal = response.body().bytes().and_then(|body| serde_json::from_slice::<Refusal>(body).ok());
    if let Some(code) = refusal.as_ref().and_then(|refusal| refusal.kind.rsplit('#').next()) {
        call.because(code);
        if matches!(code, "ThrottlingException" | "ProvisionedThroughputExceededException" | "RequestLimitExceeded") {
            call.throttled();
        }
    }
}

/// The names of the tables that a call uses.
fn tables(input: &Input) -> BTreeSet<String> {
    let one = None
        .or_else(|| input.downcast_ref().and_then(GetItemInput::table_name))
        .or_else(|| input.downcast_ref().and_then(QueryInput::table_name))
        .or_else(|| input.downcast_ref().and_then(UpdateItemInput::table_name))
        .or_else(|| input.downcast_ref().and_then(PutItemInput::table_name))
        .or_else(|| input.downcast_ref().and_then(DeleteItemInput::table_name));
    let written = input.downcast_ref().map(TransactWriteItemsInput::transact_items).into_iter().flatten();
    let got = input.downcast_ref().and_then(BatchGetItemInput::request_items).into_iter().flatten();
    let put = input.downcast_ref().and_then(BatchWriteItemInput::request_items).into_iter().flatten();
    one.into_iter()
        .chain(written.filter_map(table))
        .chain(got.map(|(table, _)| table.as_str()))
        .chain(put.map(|(table, _)| table.as_str()))
        .map(str::to_owned)
        .collect()
}

fn table(write: &TransactWriteItem) -> Option<&str> {
    let checked = write.condition_check().map(|check| check.table_name());
    let put = write.put().map(|put| put.table_name());
    let updated = write.update().map(|update| update.table_name());
    checked.or(put).or(updated).or_else(|| write.delete().map(|delete| delete.table_name()))
}
