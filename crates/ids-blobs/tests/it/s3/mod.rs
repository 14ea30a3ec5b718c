//! The bucket's adapter, against a real SeaweedFS; where that cannot be made to misbehave, against a scripted server.

mod admin;
mod contract;
mod copy;
mod objects;
mod outages;
mod raw;
mod scripted;
mod support;
mod tls;
mod uploads;
