//! Conditions of a query, built from typed values: text is never pasted into SQL.
//!
//! Lists are bound as arrays, so that the number of different statements, each of which every connection keeps, stays small.

use ids_core::chunk::Filter;
use ids_core::scope::{CollectionAccess, Scope};
use tokio_postgres::types::ToSql;

use crate::rows::Id;

/// A bound value.
pub(crate) type Value = Box<dyn ToSql + Sync + Send>;

/// Takes a value to be bound.
pub(crate) fn value(of: impl ToSql + Sync + Send + 'static) -> Value {
    Box::new(of)
}

/// An identifier to be bound.
pub(crate) fn uuid(id: impl Id) -> Value {
    value(id.to_uuid())
}

/// Conditions joined by `and`, with the values of their parameters in order.
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
            sql: "d.organization_id = $1".to_owned(),
            values: vec![uuid(scope.organization)],
        };
        if let CollectionAccess::Only(names) = &scope.collections {
            let names: Vec<String> = names.iter().map(|name| name.as_str().to_owned()).collect();
            conditions.and("c.name = any(?)", [value(names)]);
        }
        conditions
    }

    /// And the document passes the filter.
    pub(crate) fn filtered(mut self, filter: &Filter) -> Self {
        if let Some(collection) = &filter.collection {
            self.and("c.name = ?", [value(collection.as_str().to_owned())]);
        }
        if !filter.document_ids.is_empty() {
            let ids: Vec<uuid::Uuid> = filter.document_ids.iter().map(|id| id.as_uuid()).collect();
            self.and("d.document_id = any(?)", [value(ids)]);
        }
        if !filter.content_types.is_empty() {
            let types: Vec<String> = filter
                .content_types
                .iter()
                .map(|kind| kind.as_str().to_owned())
                .collect();
            self.and("d.content_type = any(?)", [value(types)]);
        }
        self.tagged(&filter.tags);
        self
    }

    /// And the document has all of the tags.
    pub(crate) fn tagged(&mut self, tags: &[ids_core::scope::Tag]) {
        if tags.is_empty() {
            return;
        }
        let mut names: Vec<String> = tags.iter().map(|tag| tag.as_str().to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        let count = crate::rows::as_integer(names.len());
        self.and(
            "(select count(*) from document_tags t where t.document_id = d.document_id and t.tag = any(?)) = ?",
            [value(names), value(count)],
        );
    }

    /// And this, each `?` of which stands for one of the values.
    pub(crate) fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        let mut values = values.into_iter();
        self.sql.push_str(" and ");
        for part in condition.split_inclusive('?') {
            match part.strip_suffix('?') {
                Some(before) => {
                    self.sql.push_str(before);
                    let mark = values.next().map(|value| self.bind(value)).unwrap_or_default();
                    self.sql.push_str(&mark);
                }
                None => self.sql.push_str(part),
            }
        }
    }

    /// Binds a value and gives its mark, such as `$3`.
    pub(crate) fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// What stands after `where`.
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    /// The values, in the order of their marks.
    pub(crate) fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| &**value as _).collect()
    }
}
