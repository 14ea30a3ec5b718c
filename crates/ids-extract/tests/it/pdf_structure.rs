//! Roles of blocks in PDF that show in type and place only: captions, footnotes, headings in bold.

use crate::support::{blocks, extract_bytes};
use crate::tiny_pdf::{Line, pdf};

const LONG: [&str; 3] = [
    "O contrato pode ser prorrogado por mais doze meses, desde que haja interesse das duas",
    "partes, que o valor continue vantajoso para o município e que a prorrogação seja pedida",
    "antes do fim do prazo, com parecer da fiscalização e da procuradoria.",
];

/// Lines of running text, from `y` down.
fn text<'a>(y: f32, lines: &[&'a str]) -> Vec<Line<'a>> {
    let at = |number: usize| y - 14.0 * number as f32;
    lines
        .iter()
        .enumerate()
        .map(|(number, &line)| (70.0, at(number), 11.0, line))
        .collect()
}

fn table(y: f32) -> Vec<Line<'static>> {
    let rows = [
        ["Mês", "Receita", "Despesa"],
        ["Janeiro", "1.500,00", "900,00"],
        ["Fevereiro", "1.700,00", "950,00"],
        ["Março", "1.650,00", "870,00"],
    ];
    let mut lines = Vec::new();
    for (row, cells) in rows.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            lines.push((70.0 + 150.0 * column as f32, y - 16.0 * row as f32, 11.0, *cell));
        }
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_footnotes_and_bold_headings_are_told_from_text() {
    let mut first: Vec<Line<'_>> = vec![
        (240.0, 780.0, -11.0, "CAPÍTULO I"),
        (200.0, 760.0, -11.0, "DAS DISPOSIÇÕES GERAIS"),
    ];
    first.extend(text(735.0, &LONG));
    first.push((70.0, 670.0, 11.0, "Tabela 1 – Receitas e despesas por mês"));
    first.extend(table(650.0));
    first.extend(text(
        560.0,
        &["Tabela 1 mostra que as receitas passaram das despesas em cada um dos três meses do ano."],
    ));
    first.push((70.0, 420.0, 9.0, "Figura 2: Mapa da zona rural"));
    first.extend(text(360.0, &LONG));
    first.extend(text(
        160.0,
        &[
            "A multa por atraso é de dez por cento do valor da parcela, e o prazo para a defesa é de quinze",
            "dias, contados da",
        ],
    ));
    // Its mark is raised and smaller still.
    first.push((70.0, 93.0, 5.0, "1"));
    first.push((
        76.0,
        90.0,
        8.0,
        "Redação dada pela Lei nº 14.133, de 1º de abril de 2021, que revogou a anterior, e pelo",
    ));
    first.push((70.0, 80.0, 8.0, "decreto que a regulamenta."));
    first.push((70.0, 68.0, 8.0, "2 Revogado."));

    let mut second = text(
        780.0,
        &["intimação da empresa, na forma do edital, sem prejuízo do recurso que cabe à autoridade maior."],
    );
    second.extend(text(740.0, &LONG));
    second.push((200.0, 560.0, -11.0, "MARIA DA SILVA"));
    second.push((220.0, 540.0, 11.0, "Prefeita"));

    let document = extract_bytes("portaria.pdf", &pdf("", &[&first, &second]))
        .await
        .unwrap();

    let long = LONG.join("\n");
    let table = "| Mês | Receita | Despesa |\n| --- | --- | --- |\n| Janeiro | 1.500,00 | 900,00 |\n| Fevereiro | 1.700,00 | 950,00 |\n| Março | 1.650,00 | 870,00 |";
    let found = blocks(&document, 0);
    assert_eq!(
        found[..9],
        [
            ("heading", "CAPÍTULO I"),
            ("heading", "DAS DISPOSIÇÕES GERAIS"),
            ("paragraph", long.as_str()),
            ("caption", "Tabela 1 – Receitas e despesas por mês"),
            ("table", table),
            (
                "paragraph",
                "Tabela 1 mostra que as receitas passaram das despesas em cada um dos três meses do ano."
            ),
            ("caption", "Figura 2: Mapa da zona rural"),
            ("paragraph", long.as_str()),
            (
                "paragraph",
                "A multa por atraso é de dez por cento do valor da parcela, e o prazo para a defesa é de quinze\ndias, contados da"
            ),
        ],
        "{found:#?}"
    );
    let notes: Vec<&str> = found[9..]
        .iter()
        .map(|&(kind, text)| {
            assert_eq!(kind, "footnote", "{text}");
            text
        })
        .collect();
    let notes = notes.join("\n").replace('\n', " ");
    assert!(
        notes.starts_with("1 Redação dada pela Lei nº 14.133") && notes.ends_with("2 Revogado."),
        "{notes}"
    );
    assert_eq!(
        blocks(&document, 1)[2..],
        [("paragraph", "MARIA DA SILVA"), ("paragraph", "Prefeita")],
        "a name under a signature line is no heading"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_all_in_bold_or_all_in_small_type_has_neither_headings_nor_footnotes() {
    let bold: Vec<Line<'_>> = text(780.0, &LONG)
        .into_iter()
        .map(|(x, y, size, text)| (x, y, -size, text))
        .collect();
    let small: Vec<Line<'_>> = text(
        160.0,
        &["1 Primeiro item do regulamento", "2 Segundo item do regulamento"],
    )
    .into_iter()
    .map(|(x, y, _, text)| (x, y, 8.0, text))
    .collect();
    for lines in [bold, small] {
        let document = extract_bytes("a.pdf", &pdf("", &[&lines])).await.unwrap();
        let kinds: Vec<_> = blocks(&document, 0).iter().map(|&(kind, _)| kind).collect();
        assert!(
            kinds
                .iter()
                .all(|kind| matches!(*kind, "paragraph" | "list_item")),
            "{kinds:?}"
        );
    }
}
