//! OpenDocument: texts, sheets and slides made here.

use ids_core::error::ErrorCode;

use crate::support::{blocks, extract_bytes, package};

const TEXT: &str = "application/vnd.oasis.opendocument.text";
const SPREADSHEET: &str = "application/vnd.oasis.opendocument.spreadsheet";
const PRESENTATION: &str = "application/vnd.oasis.opendocument.presentation";

fn open_document(kind: &str, content: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let content =
        format!("<?xml version=\"1.0\"?><office:document-content>{content}</office:document-content>");
    let mut parts = vec![("mimetype", kind), ("content.xml", &*content)];
    parts.extend(more);
    package(&parts)
}

#[tokio::test]
async fn an_odt_gives_its_structure_and_leaves_out_what_was_deleted() {
    let content = r#"<office:automatic-styles>
        <style:style style:name="P1" style:family="paragraph" style:parent-style-name="Meu_20_título"/>
        <style:style style:name="P2" style:family="paragraph"><style:paragraph-properties fo:break-before="page"/></style:style>
        </office:automatic-styles><office:body><office:text>
        <text:tracked-changes><text:changed-region><text:deletion><text:p>apagado</text:p></text:deletion></text:changed-region></text:tracked-changes>
        <text:p text:style-name="P1">Edital</text:p><text:h text:outline-level="2">Do objeto</text:h>
        <text:p>Prazo
          de<text:s text:c="2"/>dez<text:tab/>dias &amp; noites<office:annotation><text:p>comentário</text:p></office:annotation><text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>A nota.</text:p></text:note-body></text:note>.</text:p>
        <text:list><text:list-item><text:p>um item</text:p></text:list-item></text:list>
        <table:table><table:table-row><table:table-cell><text:p>Nome</text:p></table:table-cell><table:table-cell><text:p>Valor</text:p></table:table-cell></table:table-row>
        <table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell><text:p>1</text:p><text:p>2</text:p></table:table-cell></table:table-row></table:table>
        <text:p>Fim da <text:soft-page-break/>primeira</text:p><text:p text:style-name="P2">terceira</text:p>
        </office:text></office:body>"#;
    let more = [
        (
            "styles.xml",
            r#"<office:styles><style:style style:name="Meu_20_título" style:family="paragraph" style:parent-style-name="Title"/></office:styles>"#,
        ),
        (
            "meta.xml",
            "<office:meta><dc:title>Edital nº 1</dc:title><meta:initial-creator>Ana</meta:initial-creator><dc:creator>Bia</dc:creator></office:meta>",
        ),
    ];
    // Whatever its name says.
    let document = extract_bytes("a.docx", &open_document(TEXT, content, &more))
        .await
        .unwrap();
    assert_eq!(
        (document.title.as_deref(), document.author.as_deref()),
        (Some("Edital nº 1"), Some("Ana"))
    );
    assert_eq!(
        blocks(&document, 0),
        [
            ("heading", "Edital"),
            ("heading", "Do objeto"),
            ("paragraph", "Prazo de  dez dias & noites."),
            ("list_item", "um item"),
            ("table", "| Nome | Valor |\n| --- | --- |\n| a | 1 2 |"),
            ("paragraph", "Fim da"),
            ("footnote", "A nota."),
        ]
    );
    assert_eq!(blocks(&document, 1), [("paragraph", "primeira")]);
    assert_eq!(blocks(&document, 2), [("paragraph", "terceira")]);
}

#[tokio::test]
async fn an_ods_is_a_page_a_sheet_and_a_declared_million_of_rows_costs_nothing() {
    let content = r#"<office:body><office:spreadsheet>
        <table:table table:name="Despesas"><table:table-column table:number-columns-repeated="16384"/>
        <table:table-row><table:table-cell><text:p>Prefeitura de Exemplo</text:p></table:table-cell></table:table-row>
        <table:table-row><table:table-cell><text:p>Mês</text:p></table:table-cell><table:table-cell table:number-columns-repeated="3"/><table:table-cell><text:p>Valor</text:p></table:table-cell></table:table-row>
        <table:table-row table:number-rows-repeated="2"><table:table-cell><text:p>Março</text:p></table:table-cell><table:table-cell table:number-columns-repeated="3"/><table:table-cell office:value="1500.5"/></table:table-row>
        <table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
        <table:table-row table:number-rows-repeated="500"><table:table-cell table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell></table:table-row>
        </table:table>
        <table:table table:name="Vazia"><table:table-row><table:table-cell/></table:table-row></table:table>
        <table:table table:name="Longe"><table:table-row table:number-rows-repeated="1048575"><table:table-cell/></table:table-row>
        <table:table-row><table:table-cell table:number-columns-repeated="16383"/><table:table-cell><text:p>último canto</text:p></table:table-cell></table:table-row></table:table>
        </office:spreadsheet></office:body>"#;
    let document = extract_bytes("a.ods", &open_document(SPREADSHEET, content, &[]))
        .await
        .unwrap();
    assert_eq!(document.pages.len(), 3);
    assert_eq!(
        blocks(&document, 0)[..3],
        [
            ("heading", "Despesas"),
            ("paragraph", "Prefeitura de Exemplo"),
            (
                "table",
                "| Mês | Valor |\n| --- | --- |\n| Março | 1500.5 |\n| Março | 1500.5 |"
            ),
        ]
    );
    assert_eq!(blocks(&document, 1), []);
    assert_eq!(
        blocks(&document, 2),
        [("heading", "Longe"), ("paragraph", "último canto")]
    );
}

#[tokio::test]
async fn an_odp_is_a_page_a_slide_with_its_notes() {
    let slide = |title: &str| {
        format!(
            r#"<draw:page><draw:frame presentation:class="title"><draw:text-box><text:p>{title}</text:p></draw:text-box></draw:frame>
            <draw:frame presentation:class="outline"><svg:title>imagem</svg:title><draw:text-box><text:list><text:list-item><text:p>um ponto</text:p></text:list-item></text:list></draw:text-box></draw:frame>
            <presentation:notes><draw:frame><draw:text-box><text:p>Nota de {title}</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>"#
        )
    };
    let content = format!(
        "<office:body><office:presentation>{}{}</office:presentation></office:body>",
        slide("Um"),
        slide("Dois")
    );
    let document = extract_bytes("a.odp", &open_document(PRESENTATION, &content, &[]))
        .await
        .unwrap();
    assert_eq!(document.pages.len(), 2);
    assert_eq!(
        blocks(&document, 1),
        [
            ("heading", "Dois"),
            ("list_item", "um ponto"),
            ("paragraph", "Nota de Dois")
        ]
    );
}

#[tokio::test]
async fn an_open_document_that_is_encrypted_damaged_or_a_bomb_says_so() {
    let manifest = "<manifest><file-entry><manifest:encryption-data/></file-entry></manifest>";
    let encrypted = open_document(TEXT, "", &[("META-INF/manifest.xml", manifest)]);
    let long = "a".repeat(40 * 1_024 * 1_024);
    let bomb = open_document(TEXT, &format!("<office:body><text:p>{long}"), &[]);
    let laughs = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><office:body><text:p>&b;riso</text:p></office:body>"#;
    for (bytes, code) in [
        (encrypted, ErrorCode::Encrypted),
        (bomb, ErrorCode::ExpandsTooFar),
        (
            open_document(TEXT, "<office:body><text:p a='", &[]),
            ErrorCode::Corrupt,
        ),
        (package(&[("mimetype", TEXT)]), ErrorCode::Corrupt),
    ] {
        assert_eq!(extract_bytes("a.odt", &bytes).await.unwrap_err().code, code);
    }
    let document = extract_bytes("a.odt", &open_document(TEXT, laughs, &[]))
        .await
        .unwrap();
    assert_eq!(blocks(&document, 0), [("paragraph", "riso")]);
}
