//! Links between pages of the repository lead somewhere.

use super::tree::Tree;

/// Complains about each relative link in a Markdown file whose target is not in the repository.
pub fn check(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in tree.texts_in("", ".md") {
        if path == "THIRD_PARTY.md" {
            continue; // generated, with the words of others
        }
        for (number, target) in links(text) {
            let goal = resolve(path, target);
            if !goal
                .as_deref()
                .is_some_and(|goal| goal.is_empty() || tree.holds(goal))
            {
                complaints.push(format!(
                    "{path}:{number} links to `{target}`, which is not there; correct the link"
                ));
            }
        }
    }
    complaints
}

/// The relative targets of a page's links with their lines; those in code are text.
fn links(page: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in page.lines().enumerate() {
        if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (start, _) in line.match_indices("](") {
            // An odd number of backticks before it: inside a code span.
            if line[..start].matches('`').count() % 2 == 1 && line[start..].contains('`') {
                continue;
            }
            let Some((target, _)) = line[start + 2..].split_once(')') else {
                continue;
            };
            let target = target.split([' ', '#']).next().unwrap_or(target);
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                found.push((index + 1, target));
            }
        }
    }
    found
}

/// `target` as seen from the folder of `page`; `None` when it leads out of the repository.
fn resolve(page: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        parts.clear();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_nowhere_or_outside_are_named() {
        let page = "[a](adr/0001-x.md#why) [b](../README.md)\n[c](gone.md) [d](../../other/x.md)\n\
                    ![e](https://example.org/x.png) [f](#here) `[g](code.md)`\n```\n[h](code.md)\n```\n";
        let tree = Tree::of(&[
            ("docs/a.md", page),
            ("docs/adr/0001-x.md", ""),
            ("README.md", "[docs](docs/)"),
        ]);
        assert_eq!(
            check(&tree),
            [
                "docs/a.md:2 links to `gone.md`, which is not there; correct the link",
                "docs/a.md:2 links to `../../other/x.md`, which is not there; correct the link",
            ]
        );
    }
}
