//! What happened to the datagrams of each candidate.

use serde_json::{Map, Value};
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// The counts of one candidate at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        /// The counts as the serving thread keeps them.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub $name: AtomicU64,)+
        }

        impl Counters {
            pub fn read(&self) -> Counts {
                Counts { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }
        }

        impl Counts {
            /// As a JSON object; members in the order of the fields, where the JSON library keeps it.
            pub fn to_json(&self) -> Value {
                let mut object = Map::new();
                $(object.insert(stringify!($name).into(), self.$name.into());)+
                Value::Object(object)
            }
        }
    };
}

counters! {
    /// Datagrams read.
    requests,
    /// Datagrams given to the kernel, of whatever kind.
    replies,
    /// Requests lost by `loss`.
    lost_requests,
    /// Replies lost by `reply_loss`.
    lost_replies,
    /// Requests left alone by `silent`.
    silent,
    /// Dropped: not `plj0`.
    bad_magic,
    /// Dropped: not the envelope of a request.
    bad_envelope,
    /// Dropped: signature of another key or text.
    bad_hmac,
    /// Dropped: more than 300 s off.
    bad_timestamp,
    /// Dropped: the signed text is no request, the type or the query is not known.
    bad_request,
    /// Dropped: over 4,096 bytes and not whole without the rest.
    too_long,
    /// Not sent: the reply passes 65,507 bytes.
    reply_too_long,
    /// Not sent: the send buffer stayed full.
    send_full,
    /// Not sent: the kernel refused.
    send_error,
    /// Not sent: too many replies wait for their time already.
    delay_full,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
