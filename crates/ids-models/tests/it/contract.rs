//! The contract of the port.

use crate::support::make;

ids_testkit::chat_model_contract!(make);
