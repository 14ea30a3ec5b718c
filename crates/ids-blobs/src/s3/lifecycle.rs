//! The rule by which a bucket removes uploads that nobody asked for, among the rules of others.
//!
//! Rules of others are never written anew: the document that was read is sent back, with ours cut in.

use super::error::CallError;
use super::xml::{Element, escape};

/// By this name our rule is known.
const RULE_ID: &str = "ids-temp-uploads";

const EMPTY: &str =
    "<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></LifecycleConfiguration>";

/// What a bucket's lifecycle rules say to uploads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifecycleState {
    /// A rule removes them after the days that were asked for.
    Present,
    /// No rule does.
    Missing,
    /// Our rule, or another for the same prefix, removes them after other days.
    Different {
        /// After how many.
        days: u32,
    },
}

/// Judges a lifecycle configuration. A rule counts whoever made it, if it is for this prefix and for nothing else.
pub(super) fn state(root: &Element, prefix: &str, days: u32) -> LifecycleState {
    let found: Vec<u32> = root
        .all("Rule")
        .filter(|rule| rule.text_of("Status") == Some("Enabled") && is_for(rule, prefix))
        .filter_map(|rule| rule.child("Expiration")?.text_of("Days")?.parse().ok())
        .collect();
    match found.first() {
        _ if found.contains(&days) => LifecycleState::Present,
        Some(&days) => LifecycleState::Different { days },
        None => LifecycleState::Missing,
    }
}

/// The document with our rule in it, and all else as it was; `None` of a document: there were no rules.
///
/// # Errors
/// `Unusable` when it is no lifecycle configuration.
pub(super) fn merged(document: Option<&str>, prefix: &str, days: u32) -> Result<String, CallError> {
    let document = document.unwrap_or(EMPTY);
    let root = Element::parse(document)?;
    if root.name != "LifecycleConfiguration" {
        return Err(CallError::Unusable("it is no lifecycle configuration"));
    }
    // S3 refuses the old form, a prefix beside the filter's place, next to the new one.
    let is_old_form = root.all("Rule").any(|rule| rule.child("Prefix").is_some());
    let rule = rule(prefix, days, is_old_form);
    let Some(end) = root.end_tag else {
        return Ok(EMPTY.replace("></", &format!(">{rule}</")));
    };
    let ours = root
        .all("Rule")
        .find(|rule| rule.text_of("ID") == Some(RULE_ID))
        .map(|rule| rule.place.clone());
    let place = ours.unwrap_or(end..end);
    let (Some(before), Some(after)) = (document.get(..place.start), document.get(place.end..)) else {
        return Err(CallError::Unusable("its places do not fit"));
    };
    Ok(format!("{before}{rule}{after}"))
}

fn rule(prefix: &str, days: u32, is_old_form: bool) -> String {
    let prefix = format!("<Prefix>{}</Prefix>", escape(prefix));
    let scope = if is_old_form {
        prefix
    } else {
        format!("<Filter>{prefix}</Filter>")
    };
    format!(
        "<Rule><ID>{RULE_ID}</ID>{scope}<Status>Enabled</Status><Expiration><Days>{days}</Days></Expiration>\
         <AbortIncompleteMultipartUpload><DaysAfterInitiation>{days}</DaysAfterInitiation>\
         </AbortIncompleteMultipartUpload></Rule>"
    )
}

/// Whether a rule is for all objects of a prefix, and no others.
fn is_for(rule: &Element, prefix: &str) -> bool {
    let scope = rule.child("Filter").unwrap_or(rule);
    let is_narrowed =
        rule.child("Filter").is_some() && scope.children.iter().any(|child| child.name != "Prefix");
    !is_narrowed && scope.text_of("Prefix") == Some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules as AWS gives them back, with what a careless writer would lose.
    const FOREIGN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ID>logs &amp; &#60;more&gt;</ID><Filter><And><Prefix>logs/</Prefix><Tag><Key>class</Key><Value>a &quot;b&quot;</Value></Tag><Tag><Key>x</Key><Value/></Tag><ObjectSizeGreaterThan>500</ObjectSizeGreaterThan></And></Filter><Status>Enabled</Status><Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition><Transition><Days>90</Days><StorageClass>GLACIER</StorageClass></Transition><Expiration><Days>365</Days></Expiration></Rule><!-- kept by hand -->
  <Rule><ID/><Filter><Tag><Key>tmp</Key><Value>1</Value></Tag></Filter><Status>Disabled</Status><NoncurrentVersionExpiration><NoncurrentDays>9</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions></NoncurrentVersionExpiration><NoncurrentVersionTransition><NoncurrentDays>3</NoncurrentDays><StorageClass>GLACIER_IR</StorageClass></NoncurrentVersionTransition><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration></Rule></LifecycleConfiguration>"#;

    fn state_of(document: &str, days: u32) -> LifecycleState {
        state(&Element::parse(document).unwrap(), "temp/", days)
    }

    #[test]
    fn the_rules_of_others_survive_letter_by_letter() {
        let once = merged(Some(FOREIGN), "temp/", 7).unwrap();

        let ours = rule("temp/", 7, false);
        assert_eq!(once.replace(&ours, ""), FOREIGN);
        assert_eq!(once.matches(RULE_ID).count(), 1);
        assert_eq!(state_of(FOREIGN, 7), LifecycleState::Missing);
        assert_eq!(state_of(&once, 7), LifecycleState::Present);
        assert_eq!(state_of(&once, 3), LifecycleState::Different { days: 7 });
        assert_eq!(
            merged(Some(&once), "temp/", 7).unwrap(),
            once,
            "a second time changes nothing"
        );
        let changed = merged(Some(&once), "temp/", 3).unwrap();
        assert_eq!(changed.replace(&rule("temp/", 3, false), ""), FOREIGN);
    }

    #[test]
    fn our_rule_is_replaced_where_it_stands() {
        let old = "<LifecycleConfiguration><Rule><ID>a</ID></Rule><Rule>\n<ID> ids-temp-uploads </ID><Status>Disabled</Status>\
                   </Rule><Rule><ID>b</ID></Rule></LifecycleConfiguration>";
        let new = merged(Some(old), "temp/", 7).unwrap();
        let expected = format!(
            "<LifecycleConfiguration><Rule><ID>a</ID></Rule>{}<Rule><ID>b</ID></Rule></LifecycleConfiguration>",
            rule("temp/", 7, false)
        );
        assert_eq!(new, expected);
    }

    #[test]
    fn no_rules_at_all_become_one() {
        for document in [
            None,
            Some("<LifecycleConfiguration xmlns=\"u\"/>"),
            Some("<LifecycleConfiguration></LifecycleConfiguration>"),
        ] {
            let new = merged(document, "a&b/", 7).unwrap();
            let root = Element::parse(&new).unwrap();
            assert_eq!(root.children.len(), 1, "{new}");
            assert_eq!(state(&root, "a&b/", 7), LifecycleState::Present, "{new}");
        }
    }

    #[test]
    fn the_old_form_of_rules_is_kept_to() {
        let old = "<LifecycleConfiguration><Rule><ID>a</ID><Prefix>logs/</Prefix><Status>Enabled</Status></Rule></LifecycleConfiguration>";
        let new = merged(Some(old), "temp/", 7).unwrap();
        assert!(!new.contains("Filter"), "{new}");
        assert_eq!(state_of(&new, 7), LifecycleState::Present);
    }

    #[test]
    fn only_a_rule_for_the_whole_prefix_and_nothing_else_counts() {
        let with = |scope: &str, status: &str| {
            format!(
                "<LifecycleConfiguration><Rule>{scope}<Status>{status}</Status><Expiration><Days>7</Days></Expiration></Rule>\
                 </LifecycleConfiguration>"
            )
        };
        for (scope, status, expected) in [
            (
                "<Filter><Prefix>temp/</Prefix></Filter>",
                "Enabled",
                LifecycleState::Present,
            ),
            ("<Prefix>temp/</Prefix>", "Enabled", LifecycleState::Present),
            (
                "<Filter><Prefix>temp/</Prefix></Filter>",
                "Disabled",
                LifecycleState::Missing,
            ),
            (
                "<Filter><Prefix>temp/a/</Prefix></Filter>",
                "Enabled",
                LifecycleState::Missing,
            ),
            (
                "<Filter><And><Prefix>temp/</Prefix><Tag/></And></Filter>",
                "Enabled",
                LifecycleState::Missing,
            ),
            ("<Filter/>", "Enabled", LifecycleState::Missing),
        ] {
            assert_eq!(state_of(&with(scope, status), 7), expected, "{scope} {status}");
        }
    }

    #[test]
    fn another_document_is_not_overwritten() {
        assert!(merged(Some("<html></html>"), "temp/", 7).is_err());
        assert!(merged(Some("no xml"), "temp/", 7).is_err());
    }
}
