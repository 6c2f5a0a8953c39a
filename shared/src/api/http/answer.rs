//! Answers. The type that an endpoint returns is the type in the API's description.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::reply::Reply;
use super::request::{Describe, Pages, describe};

/// The type of an endpoint's answer: a `T`, or a [`Page`] of a list.
pub trait Answer {
    /// The schema of `data`.
    const DATA: Describe;
    /// The schema of the `meta` or `pagination` beside it.
    const META: Option<Describe> = None;
}

impl<T: Serialize + JsonSchema> Answer for T {
    const DATA: Describe = describe::<T>;
}

/// A page of a list, with its position.
#[derive(Clone, Debug)]
pub struct Page<D, M = PageMeta> {
    /// The entries of the page.
    pub data: D,
    /// The position of the page in the list.
    pub meta: M,
}

impl<D: Serialize + JsonSchema, M: Serialize + JsonSchema> Answer for Page<D, M> {
    const DATA: Describe = describe::<D>;
    const META: Option<Describe> = Some(describe::<M>);
}

/// Which page of a list an answer holds.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct PageMeta {
    /// The page's number, from 1.
    pub page: u32,
    /// The number of items on a page.
    pub per_page: u32,
    /// How many there are in all.
    pub total: u64,
}

impl PageMeta {
    /// The position of the requested page in a list of `total` entries.
    pub fn new(pages: Pages, total: usize) -> Self {
        Self { page: pages.page, per_page: pages.per_page, total: total as u64 }
    }
}

/// Which part of a list an answer holds.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// How many there are in all.
    pub total: u64,
    /// How many an answer holds at most.
    pub limit: u32,
    /// How many come before it.
    pub offset: u32,
    /// Whether more come after it.
    pub has_more: bool,
}

impl Pagination {
    /// The position of `length` entries after the first `offset`, in a list of `total`.
    pub fn new(total: usize, limit: u32, offset: u32, length: usize) -> Self {
        Self { total: total as u64, limit, offset, has_more: offset as usize + length < total }
    }
}

impl<A> From<Reply> for Answered<A> {
    fn from(reply: Reply) -> Self {
        Self { reply, of: PhantomData }
    }
}

impl<A> From<Answered<A>> for Reply {
    fn from(answered: Answered<A>) -> Self {
        answered.reply
    }
}

/// The finished answer of an endpoint whose answer type is `A`.
#[derive(Clone, Debug)]
pub struct Answered<A> {
    reply: Reply,
    of: PhantomData<fn() -> A>,
}

impl<A> Answered<A> {
    /// The reply behind the type.
    pub(in crate::api) fn reply(&self) -> &Reply {
        &self.reply
    }

    /// Sets the lead that the answer is about, if its body may not name it. Erasing the lead then erases a stored
    /// answer.
    #[must_use]
    pub fn about(mut self, lead_id: Uuid) -> Self {
        self.reply.about = Some(lead_id);
        self
    }

    /// Sets the preference that was applied (RFC 7240), for the header `Preference-Applied`.
    #[must_use]
    pub fn preference_applied(mut self, preference: Option<String>) -> Self {
        self.reply.preference_applied = preference;
        self
    }
}
