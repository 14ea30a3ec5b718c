//! Conditions of a query, built from typed values: text is never pasted into SQL.

use ids_core::chunk::Filter;
use ids_core::scope::{CollectionAccess, Scope};
use rusqlite::types::Value;

use crate::rows::Id;

/// Conditions joined by `and`, with the values of their `?` in order.
///
/// The names are fixed across this crate: `d` is `documents`, `c` is `collections`.
pub(crate) struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// The document lies in this scope.
    pub(crate) fn in_scope(scope: &Scope) -> Self {
        let mut conditions = Self {
            sql: "d.organization_id = ?".to_owned(),
            values: vec![blob(scope.organization)],
        };
        if let CollectionAccess::Only(names) = &scope.collections {
            conditions.any_of(
                "c.name",
                names.iter().map(|name| Value::Text(name.as_str().to_owned())),
            );
        }
        conditions
    }

    /// And the document passes the filter.
    pub(crate) fn filtered(mut self, filter: &Filter) -> Self {
        if let Some(collection) = &filter.collection {
            self.and("c.name = ?", [Value::Text(collection.as_str().to_owned())]);
        }
        if !filter.document_ids.is_empty() {
            self.any_of("d.document_id", filter.document_ids.iter().map(|&id| blob(id)));
        }
        if !filter.content_types.is_empty() {
            let types = filter
                .content_types
                .iter()
                .map(|kind| Value::Text(kind.as_str().to_owned()));
            self.any_of("d.content_type", types);
        }
        for tag in &filter.tags {
            self.and(
                "exists (select 1 from document_tags t where t.document_id = d.document_id and t.tag = ?)",
                [Value::Text(tag.as_str().to_owned())],
            );
        }
        self
    }

    /// And this, with its values.
    pub(crate) fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" and ");
        self.sql.push_str(condition);
        self.values.extend(values);
    }

    /// And the column has one of the values; with none of them nothing passes.
    fn any_of(&mut self, column: &str, values: impl Iterator<Item = Value>) {
        let before = self.values.len();
        self.values.extend(values);
        let marks = vec!["?"; self.values.len() - before].join(", ");
        self.sql.push_str(&format!(" and {column} in ({marks})"));
    }

    /// What stands after `where`.
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    /// The values of its `?`, and of those that follow.
    pub(crate) fn values_with(&self, more: impl IntoIterator<Item = Value>) -> Vec<Value> {
        self.values.iter().cloned().chain(more).collect()
    }
}

/// An identifier as a bound value.
pub(crate) fn blob(id: impl Id) -> Value {
    Value::Blob(id.to_blob().to_vec())
}
