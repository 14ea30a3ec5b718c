//! Small files of each format, made here: what becomes of their parts.

use ids_core::error::ErrorCode;

use crate::support::{blocks, extract_bytes, package as docx};
use crate::tiny_pdf::pdf;

const BODY: &str = "O prazo para recurso é de dez dias úteis.";

#[tokio::test]
async fn a_pdf_gives_title_author_headings_and_paragraphs() {
    let bytes = pdf(
        "",
        &[&[
            (72.0, 760.0, 20.0, "Lei Municipal"),
            (72.0, 700.0, 10.0, BODY),
            (72.0, 688.0, 10.0, "Segunda linha do mesmo parágrafo."),
            (72.0, 640.0, 10.0, "Outro parágrafo, depois de um espaço."),
        ]],
    );
    let document = extract_bytes("lei.pdf", &bytes).await.unwrap();
    assert_eq!(
        (document.title.as_deref(), document.author.as_deref()),
        (Some("Regra"), Some("Maria"))
    );
    assert_eq!(
        blocks(&document, 0),
        [
            ("heading", "Lei Municipal"),
            (
                "paragraph",
                &*format!("{BODY}\nSegunda linha do mesmo parágrafo.")
            ),
            ("paragraph", "Outro parágrafo, depois de um espaço."),
        ]
    );
    assert_eq!(document.content_type.unwrap().as_str(), "application/pdf");
}

#[tokio::test]
async fn lines_have_their_places_from_the_top_left_of_what_is_seen() {
    // The same line, 72 points from the left and its baseline 100 points below the top.
    let line = [(72.0, 742.0, 12.0, "Texto")];
    for (entries, (width, height), (x, y)) in [
        ("", (595.0, 842.0), (72.0, 100.0)),
        ("/CropBox[50 50 545 792]", (495.0, 742.0), (22.0, 50.0)),
        ("/CropBox[-50 -50 900 900]", (595.0, 842.0), (72.0, 100.0)),
        // Turned to the right, what was left is the top: the baseline stands 742 points from the left.
        ("/Rotate 90", (842.0, 595.0), (742.0, 72.0)),
        ("/Rotate 180", (595.0, 842.0), (595.0 - 72.0, 742.0)),
        ("/Rotate 270", (842.0, 595.0), (100.0, 595.0 - 72.0)),
    ] {
        let document = extract_bytes("a.pdf", &pdf(entries, &[&line])).await.unwrap();
        let page = &document.pages[0];
        assert_eq!(
            (page.width, page.height),
            (Some(width), Some(height)),
            "{entries}"
        );
        let place = page.lines[0];
        let is_inside = |at: f32, from: f32, length: f32| (from - 4.0..=from + length + 4.0).contains(&at);
        assert!(
            is_inside(x, place.x, place.width) && is_inside(y, place.y, place.height),
            "{entries}: {place:?}"
        );
        let (along, across) = if entries.contains("Rotate 90") || entries.contains("Rotate 270") {
            (place.height, place.width)
        } else {
            (place.width, place.height)
        };
        assert!(
            (25.0..40.0).contains(&along) && (8.0..18.0).contains(&across),
            "{entries}: {place:?}"
        );
    }
}

#[tokio::test]
async fn a_word_hyphenated_at_the_end_of_a_line_is_joined() {
    let lines = [
        (72.0, 700.0, 10.0, "A administração publicou a infor-"),
        (72.0, 688.0, 10.0, "mação no portal."),
    ];
    let document = extract_bytes("a.pdf", &pdf("", &[&lines])).await.unwrap();
    assert_eq!(
        blocks(&document, 0),
        [("paragraph", "A administração publicou a informação no portal.")]
    );
    assert_eq!(document.pages[0].lines.len(), 2);
}

#[tokio::test]
async fn running_headers_and_page_numbers_are_told_from_the_text() {
    let texts: Vec<[String; 2]> = (1..=4)
        .map(|number| {
            [
                format!(
                    "O artigo {} trata de outra coisa.",
                    ["um", "dois", "três", "quatro"][number - 1]
                ),
                format!("Página {number} de 4"),
            ]
        })
        .collect();
    let pages: Vec<Vec<(f32, f32, f32, &str)>> = texts
        .iter()
        .map(|[body, foot]| {
            vec![
                (72.0, 800.0, 10.0, "Diário Oficial"),
                (72.0, 600.0, 10.0, body.as_str()),
                (280.0, 40.0, 10.0, foot.as_str()),
            ]
        })
        .collect();
    let pages: Vec<&[(f32, f32, f32, &str)]> = pages.iter().map(Vec::as_slice).collect();
    let document = extract_bytes("a.pdf", &pdf("", &pages)).await.unwrap();
    assert_eq!(
        blocks(&document, 2),
        [
            ("header", "Diário Oficial"),
            ("paragraph", "O artigo três trata de outra coisa."),
            ("footer", "Página 3 de 4")
        ]
    );
}

#[tokio::test]
async fn an_empty_page_is_a_page_and_needs_no_ocr() {
    let document = extract_bytes("a.pdf", &pdf("", &[&[], &[(72.0, 700.0, 10.0, BODY)]]))
        .await
        .unwrap();
    assert_eq!(
        document
            .pages
            .iter()
            .map(|page| page.text.as_str())
            .collect::<Vec<_>>(),
        ["", &format!("{BODY}\n")]
    );
    assert!(document.notes.is_empty(), "{:?}", document.notes);
}

#[tokio::test]
async fn a_docx_gives_its_structure_and_leaves_out_what_was_deleted() {
    let document = docx(&[
        ("word/document.xml", DOCUMENT),
        ("word/styles.xml", STYLES),
        ("word/footnotes.xml", FOOTNOTES),
        ("docProps/core.xml", CORE),
    ]);
    let document = extract_bytes("a.docx", &document).await.unwrap();
    assert_eq!(
        (document.title.as_deref(), document.author.as_deref()),
        (Some("Edital & anexos"), Some("João"))
    );
    assert_eq!(
        blocks(&document, 0),
        [
            ("heading", "Título"),
            ("heading", "Subtítulo"),
            ("paragraph", "Texto novo & certo."),
            ("list_item", "um item"),
            ("table", "| Nome | Valor |\n| --- | --- |\n| a | 1\\|2 |"),
            ("paragraph", "Fim da primeira"),
            ("footnote", "A nota."),
        ]
    );
    assert_eq!(blocks(&document, 1), [("paragraph", "página e mais.")]);
    let levels: Vec<_> = document.pages[0]
        .blocks
        .iter()
        .filter_map(|block| block.kind.level())
        .collect();
    assert_eq!(levels, [1, 2]);
}

#[tokio::test]
async fn a_docx_that_unpacks_too_far_is_refused() {
    let bomb = format!(
        "<w:document><w:body><w:p><w:r><w:t>{}</w:t>",
        "a".repeat(40 * 1_024 * 1_024)
    );
    let failure = extract_bytes("a.docx", &docx(&[("word/document.xml", &bomb)]))
        .await
        .unwrap_err();
    assert_eq!(failure.code, ErrorCode::ExpandsTooFar);
}

#[tokio::test]
async fn a_docx_without_text_part_or_with_broken_xml_is_corrupt() {
    let cases = [
        ("<w:document><w:body><w:p", "its XML is damaged"),
        ("<w:document><w:body><w:p a='1></w:p>", "its XML is damaged"),
        ("\u{0}", "it has no text part"),
        ("<html></html>", "it has no text part"),
    ];
    for (document, reason) in cases {
        let failure = extract_bytes("a.docx", &docx(&[("word/document.xml", document)]))
            .await
            .unwrap_err();
        assert_eq!(failure.code, ErrorCode::Corrupt, "{document}");
        assert_eq!(
            failure.message,
            format!("`a.docx` cannot be read: {reason}; open it in its program, save it anew and try again")
        );
    }
}

#[tokio::test]
async fn html_gives_its_structure_and_leaves_out_what_is_hidden() {
    let html = "<!DOCTYPE html><html><head><title> Um\n título </title><meta name=author content='Ana'>\
        <style>p{}</style></head><body><nav hidden>menu</nav><h1>Título</h1>solto <b>negrito</b><p>Um<br>dois\
        <script>if (a<b) { document.write('<p>não</p>') }</script><p style='display: none'>oculto<p>visível\
        <ul><li>item um<li>item <ol><li>dois</ol></ul>depois<table><caption>Tabela 1</caption><tr><th>A<th>B<tr><td>1<td>2 | 3</table>\
        <table><tr><td>quadro<h2>Seção</h2>texto</td></tr></table><pre>a\n  b</pre><noscript>não</noscript>&amp;&nbsp;fim";
    let document = extract_bytes("a.html", html.as_bytes()).await.unwrap();
    assert_eq!(
        (document.title.as_deref(), document.author.as_deref()),
        (Some("Um título"), Some("Ana"))
    );
    assert_eq!(
        blocks(&document, 0),
        [
            ("heading", "Título"),
            ("paragraph", "solto negrito"),
            ("paragraph", "Um\ndois"),
            ("paragraph", "visível"),
            ("list_item", "item um"),
            ("list_item", "item"),
            ("list_item", "dois"),
            ("paragraph", "depois"),
            ("caption", "Tabela 1"),
            ("table", "| A | B |\n| --- | --- |\n| 1 | 2 \\| 3 |"),
            ("paragraph", "quadro"),
            ("heading", "Seção"),
            ("paragraph", "texto"),
            ("paragraph", "a\n  b"),
            ("paragraph", "& fim"),
        ]
    );
}

#[tokio::test]
async fn markdown_gives_text_without_markup() {
    let markdown = "---\ntitle: \"O guia\"\n---\n# Um *guia*\n\nTexto [com ligação](http://x) e `código`.\nSegunda linha.\n\n\
        - um\n- dois\n\n| a | b |\n|---|---|\n| 1 | **2** |\n\n```sh\nls -l\n\nfim\n```\n\n<div><b>em HTML</b></div>\n\nCom nota[^1].\n\n[^1]: A nota.\n";
    let document = extract_bytes("a.md", markdown.as_bytes()).await.unwrap();
    assert_eq!(document.title.as_deref(), Some("O guia"));
    assert_eq!(
        blocks(&document, 0),
        [
            ("heading", "Um guia"),
            ("paragraph", "Texto com ligação e código.\nSegunda linha."),
            ("list_item", "um"),
            ("list_item", "dois"),
            ("table", "| a | b |\n| --- | --- |\n| 1 | 2 |"),
            ("paragraph", "ls -l\nfim"),
            ("paragraph", "em HTML"),
            ("paragraph", "Com nota."),
            ("footnote", "A nota."),
        ]
    );
}

#[tokio::test]
async fn plain_text_is_one_page_of_paragraphs_in_any_encoding() {
    let text = b"Primeira linha\r\nda informa\xe7\xe3o.\r\n\r\nOutro par\xe1grafo.\x0cDepois.\r";
    let document = extract_bytes("a.txt", text).await.unwrap();
    assert_eq!(document.pages.len(), 1);
    assert_eq!(
        blocks(&document, 0),
        [
            ("paragraph", "Primeira linha\nda informação."),
            ("paragraph", "Outro parágrafo."),
            ("paragraph", "Depois.")
        ]
    );
}

#[tokio::test]
async fn a_very_long_text_comes_through() {
    let text = "Um parágrafo de um livro sem fim.\n\n".repeat(50_000);
    let document = extract_bytes("a.txt", text.as_bytes()).await.unwrap();
    assert_eq!(document.pages[0].blocks.len(), 50_000);
}

const DOCUMENT: &str = r#"<?xml version="1.0"?><w:document xmlns:w="w"><w:body>
<w:p><w:pPr><w:pStyle w:val="Ttulo1"/></w:pPr><w:r><w:t>Título</w:t></w:r></w:p>
<w:p><w:pPr><w:pStyle w:val="Meu"/></w:pPr><w:r><w:t>Subtítulo</w:t></w:r></w:p>
<w:p><w:r><w:t xml:space="preserve">Texto </w:t></w:r><w:del><w:r><w:delText>velho</w:delText><w:t>velho</w:t></w:r></w:del><w:ins><w:r><w:t>novo &amp; certo.</w:t></w:r></w:ins></w:p>
<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="2"/></w:numPr></w:pPr><w:r><w:t>um item</w:t></w:r></w:p>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Nome</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Valor</w:t></w:r></w:p></w:tc></w:tr>
<w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>1|2</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
<w:p><w:r><w:t>Fim da primeira</w:t><w:footnoteReference w:id="2"/></w:r><w:r><w:br w:type="page"/></w:r><w:r><w:lastRenderedPageBreak/><w:t>página e mais.</w:t></w:r></w:p>
</w:body></w:document>"#;
const STYLES: &str = r#"<w:styles xmlns:w="w"><w:style w:styleId="Ttulo1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="Meu"><w:name w:val="Meu estilo"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style></w:styles>"#;
const FOOTNOTES: &str = r#"<w:footnotes xmlns:w="w"><w:footnote w:type="separator" w:id="0"><w:p><w:r><w:t>x</w:t></w:r></w:p></w:footnote>
<w:footnote w:id="2"><w:p><w:r><w:t>A nota.</w:t></w:r></w:p></w:footnote></w:footnotes>"#;
const CORE: &str = "<cp:coreProperties><dc:title>Edital &amp; anexos</dc:title><dc:creator>João</dc:creator></cp:coreProperties>";
