//! How much of an accepted answer stands in what was answered: exact match and F1 over words, as SQuAD counts them (Rajpurkar and others 2016), with
//! the articles of both languages left out.

use std::collections::HashMap;

const ARTICLES: [&str; 11] = ["a", "an", "the", "o", "os", "as", "um", "uma", "uns", "umas", "e"];

/// The words that count.
fn words(text: &str) -> Vec<String> {
    ids_text::fold(&text.to_lowercase())
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !ARTICLES.contains(word))
        .map(str::to_owned)
        .collect()
}

/// Whether an answer is one of those accepted, and the best F1 with any of them.
pub(super) fn against(answer: &str, accepted: &[String]) -> (bool, f64) {
    let said = words(answer);
    let mut is_exact = false;
    let mut best = 0.0_f64;
    for one in accepted {
        let wanted = words(one);
        is_exact |= said == wanted;
        best = best.max(f1(&said, &wanted));
    }
    (is_exact, best)
}

fn f1(said: &[String], wanted: &[String]) -> f64 {
    let mut left: HashMap<&str, usize> = HashMap::new();
    for word in wanted {
        *left.entry(word).or_default() += 1;
    }
    let mut common = 0;
    for word in said {
        if let Some(count) = left.get_mut(word.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            common += 1;
        }
    }
    if common == 0 {
        return 0.0;
    }
    let precision = f64::from(common) / said.len() as f64;
    let recall = f64::from(common) / wanted.len() as f64;
    2.0 * precision * recall / (precision + recall)
}

#[cfg(test)]
mod tests {
    use super::against;

    #[test]
    fn words_are_compared_without_case_accents_articles_and_signs() {
        let check = |answer: &str, accepted: &[&str], exact: bool, f1: f64| {
            let accepted: Vec<String> = accepted.iter().map(|&text| text.to_owned()).collect();
            let (is_exact, found) = against(answer, &accepted);
            assert_eq!(is_exact, exact, "{answer}");
            assert!((found - f1).abs() < 1e-9, "{answer}: {found}");
        };
        check("Os processos.", &["processos"], true, 1.0);
        check("A licitação", &["contrato", "LICITACAO"], true, 1.0);
        // Two of four words, both wanted: precision a half, recall one.
        check("prazo de quinze dias", &["quinze dias"], false, 2.0 * 0.5 / 1.5);
        // A word counts as often as it is wanted.
        check("dias dias", &["dias"], false, 2.0 * 0.5 / 1.5);
        check("outra coisa", &["quinze dias"], false, 0.0);
        check("", &["quinze"], false, 0.0);
    }
}
