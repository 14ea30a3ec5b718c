//! How captions of tables and figures begin, in Portuguese and English.

/// What is numbered, in lower case.
const NAMES: [&str; 18] = [
    "tabela",
    "figura",
    "quadro",
    "gráfico",
    "imagem",
    "mapa",
    "foto",
    "fotografia",
    "ilustração",
    "esquema",
    "table",
    "figure",
    "fig.",
    "chart",
    "graph",
    "map",
    "photo",
    "box",
];
/// What parts the number from the title.
const PARTING: [char; 6] = ['–', '—', '-', ':', '.', '−'];

/// Whether a text begins as a caption does: `Tabela 1 – Receitas`, `Figura 2: Mapa`, `Quadro III. Cargos`. A sentence about a table
/// (`Tabela 1 mostra`) has a verb where that has its dash.
pub(crate) fn begins(text: &str) -> bool {
    let Some((name, rest)) = text.split_once(' ') else {
        return false;
    };
    let is_capital = name.starts_with(char::is_uppercase);
    if !is_capital || name.len() > 16 || !NAMES.contains(&name.to_lowercase().as_str()) {
        return false;
    }
    let rest = rest.trim_start();
    let end = rest
        .find(|c: char| c.is_whitespace() || matches!(c, '–' | '—' | '−' | ':'))
        .unwrap_or(rest.len());
    // `2.1` has a point inside, `2.` one behind, `2-A` a dash inside.
    let number = rest[..end].trim_end_matches(['.', '-']);
    let after = rest[number.len()..].trim_start();
    let title = after.trim_start_matches(PARTING);
    is_number(number)
        && title.len() < after.len()
        && title.trim_start().starts_with(|c: char| c.is_alphanumeric())
}

/// `1`, `2.1`, `3-A`, `IV`.
fn is_number(text: &str) -> bool {
    let is_roman = !text.is_empty() && text.len() <= 5 && text.chars().all(|c| "IVXLC".contains(c));
    let is_arabic = text.starts_with(|c: char| c.is_ascii_digit())
        && text.len() <= 8
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | '-') || c.is_ascii_uppercase());
    is_roman || is_arabic
}

#[cfg(test)]
mod tests {
    use super::begins;

    #[test]
    fn captions_are_known_by_how_they_begin() {
        for text in [
            "Tabela 1 – Receitas por mês",
            "Tabela 1– Receitas",
            "Figura 2: Mapa da zona rural",
            "Quadro 3 - Cargos e vencimentos",
            "QUADRO III. Cargos",
            "Gráfico 2.1 — Evolução",
            "Tabela 4-A: Anexo",
            "Table 1: Variations on the architecture",
            "Figure 3. Overview",
            "Fig. 7. Overview",
        ] {
            assert!(begins(text), "{text}");
        }
        for text in [
            "Tabela 1 mostra as receitas",
            "Tabela de preços: 2024",
            "figura 2: no meio de uma frase",
            "Figura 2",
            "Quadro 3.",
            "Mapa: zona rural",
            "Box 12 of the form",
            "Table 1 and Figure 2 show",
        ] {
            assert!(!begins(text), "{text}");
        }
    }
}
