//! What was measured: a table for people, JSON for programs.

use anyhow::Result;
use serde::Serialize;

/// One figure, in both shapes where both have it.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What it is of.
    pub what: String,
    /// Its unit.
    pub unit: &'static str,
    /// `ids serve` over SQLite.
    pub embedded: Option<f64>,
    /// `ids api` and `ids worker` over PostgreSQL, Redis and S3.
    pub server: Option<f64>,
}

/// All figures so far.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// A figure of both shapes.
    pub fn both(&mut self, what: impl Into<String>, unit: &'static str, embedded: f64, server: f64) {
        self.add(what.into(), unit, Some(embedded), Some(server));
    }

    /// A figure that only the embedded shape has.
    pub fn embedded(&mut self, what: impl Into<String>, unit: &'static str, figure: f64) {
        self.add(what.into(), unit, Some(figure), None);
    }

    /// A figure that only the server shape has.
    pub fn server(&mut self, what: impl Into<String>, unit: &'static str, figure: f64) {
        self.add(what.into(), unit, None, Some(figure));
    }

    fn add(&mut self, what: String, unit: &'static str, embedded: Option<f64>, server: Option<f64>) {
        let row = Row {
            what,
            unit,
            embedded,
            server,
        };
        // At once: who stops a long run keeps what it found.
        eprintln!("{}", line(&row));
        self.rows.push(row);
    }

    /// A table in Markdown.
    pub fn table(&self) -> String {
        let mut text = "| what | unit | embedded | server |\n|---|---|---|---|\n".to_owned();
        for row in &self.rows {
            text.push_str(&line(row));
            text.push('\n');
        }
        text
    }

    /// The same as JSON.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(&self.rows)?)
    }
}

fn line(row: &Row) -> String {
    let Row {
        what,
        unit,
        embedded,
        server,
    } = row;
    format!(
        "| {what} | {unit} | {} | {} |",
        figure(*embedded),
        figure(*server)
    )
}

fn figure(value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(value) if value.fract() == 0.0 || value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.3}"),
    }
}
