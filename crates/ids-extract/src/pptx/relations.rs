//! Which parts a part refers to.

use quick_xml::events::Event;

use crate::output::ParseError;
use crate::package::{Package, resolved};
use crate::xml::attribute;

/// Relations that are kept of one part.
const RELATIONS: usize = 100_000;

/// The relations of one part: id, kind, part.
pub(super) struct Relations(Vec<(String, String, String)>);

impl Relations {
    /// Reads the relations of `part`; none where there are none.
    pub(super) fn read(package: &mut Package, part: &str) -> Result<Self, ParseError> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let mut relations = Vec::new();
        package.read_optional(&format!("{folder}/_rels/{name}.rels"), |event| {
            if let Event::Start(element) | Event::Empty(element) = &event
                && element.local_name().as_ref() == "Relationship"
                && relations.len() < RELATIONS
                && let (Some(id), Some(kind), Some(target)) = (
                    attribute(element, "Id"),
                    attribute(element, "Type"),
                    attribute(element, "Target"),
                )
            {
                relations.push((id, kind, resolved(folder, &target)));
            }
            Ok(())
        })?;
        Ok(Self(relations))
    }

    /// The part of that relation.
    pub(super) fn target(&self, id: &str) -> Option<String> {
        let found = self.0.iter().find(|(own, _, _)| own == id);
        found.map(|(_, _, target)| target.clone())
    }

    /// The parts whose kind ends so.
    pub(super) fn of_kind(&self, ending: &str) -> Vec<String> {
        let found = self.0.iter().filter(|(_, kind, _)| kind.ends_with(ending));
        found.map(|(_, _, target)| target.clone()).collect()
    }
}
