//! The password of protected files, as it is given: an argument, or asked for so that nobody reads it.

use std::io::{self, IsTerminal, Write};

use ids_core::password::Password;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::cli::exit::Failed;
use crate::lifecycle::{Signal, Signals};

/// What stands for a password that is not in the argument.
pub const ASK: &str = "-";

/// An argument.
pub fn parse(text: &str) -> Result<Password, &'static str> {
    Password::new(text.to_owned()).ok_or("must not be empty; leave `=` out to be asked")
}

/// The password: as given, or the next line of standard input, which a terminal does not show.
pub async fn given(argument: Password, signals: &mut Signals) -> Result<Password, Failed> {
    if argument.expose() != ASK {
        return Ok(argument);
    }
    let _hidden = Hidden::begin();
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    let line = tokio::select! {
        line = reading => line,
        signal = signals.next() => return Err(match signal {
            Signal::Interrupt => Failed::interrupted(),
            Signal::Terminate => Failed::because("stopped"),
        }),
    };
    let line = line
        .map_err(|_| Failed::because("asking for the password broke off"))?
        .map_err(|error| Failed::because(format!("the password cannot be read: {error}")))?;
    let text = line.trim_end_matches(['\r', '\n']).to_owned();
    Password::new(text).ok_or_else(|| Failed::usage("no password was given"))
}

/// A terminal that does not show what is typed, until this goes.
struct Hidden(Option<Termios>);

impl Hidden {
    fn begin() -> Self {
        if !io::stdin().is_terminal() {
            return Self(None);
        }
        let _ = write!(io::stderr().lock(), "password: ");
        let shown = tcgetattr(io::stdin()).ok();
        if let Some(shown) = &shown {
            let mut hidden = shown.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            // Where it cannot be hidden it can still be typed.
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &hidden);
        }
        Self(shown)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(shown) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, shown);
            let _ = writeln!(io::stderr().lock());
        }
    }
}
