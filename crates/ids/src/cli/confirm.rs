//! A question before anything is destroyed.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::Context;

use super::exit::Failed;

/// Asks on stderr; anything but yes is no.
///
/// # Errors
/// Where nobody can be asked.
pub async fn confirmed(question: &str) -> Result<bool, Failed> {
    if !std::io::stdin().is_terminal() {
        return Err(Failed::usage(
            "nobody can be asked here; give --yes to remove without asking",
        ));
    }
    let question = question.to_owned();
    let asked = tokio::task::spawn_blocking(move || {
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map(|_| answer)
    });
    let answer = asked
        .await
        .context("the question broke off")?
        .context("the answer cannot be read")?;
    Ok(matches!(
        answer.trim().to_lowercase().as_str(),
        "y" | "yes" | "s" | "sim"
    ))
}
