//! Spreadsheets and tables as text.

use ids_core::error::ErrorCode;
use ids_extract::ChildLimits;
use ids_testkit::contracts::extractor_contract::read;

use crate::support::{blocks, extract_bytes, extractor_with, ole, package};

#[tokio::test]
async fn a_table_as_text_is_read_whatever_parts_its_values_and_however_it_is_encoded() {
    let table = "| Mês | Valor |\n| --- | --- |\n| Março | 1.500,50 |\n| Abril; maio | 2 |";
    for text in [
        "Mês;Valor\r\nMarço;1.500,50\r\n\"Abril; maio\";2\r\n",
        "Mês,Valor\nMarço,\"1.500,50\"\nAbril; maio,2\n",
        "Mês\tValor\nMarço\t1.500,50\nAbril; maio\t2\n",
        "sep=;\nMês;Valor\nMarço;1.500,50\n\"Abril; maio\";2",
    ] {
        let windows: Vec<u8> = text.chars().map(|c| u32::from(c) as u8).collect();
        for bytes in [text.as_bytes(), &windows] {
            let document = extract_bytes("a.csv", bytes).await.unwrap();
            assert_eq!(blocks(&document, 0), [("table", table)], "{text}");
            assert_eq!(document.content_type.unwrap().as_str(), "text/csv");
        }
    }
}

#[tokio::test]
async fn a_very_long_table_is_cut_and_said_to_be() {
    let text = "número;descrição da despesa que é bem comprida para encher a folha\n".repeat(300_000);
    let document = extract_bytes("a.csv", text.as_bytes()).await.unwrap();
    assert!(document.pages[0].text.len() > 5_000_000);
    let notes: Vec<_> = document.notes.iter().map(|note| note.kind.as_str()).collect();
    assert_eq!(notes, ["truncated"]);
}

fn xlsx(sheet: &str, shared: &str) -> Vec<u8> {
    package(&[
        (
            "[Content_Types].xml",
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#,
        ),
        (
            "_rels/.rels",
            r#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        (
            "xl/workbook.xml",
            r#"<workbook xmlns:r="r"><sheets><sheet name="Contratos" sheetId="1" r:id="rId1"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
        (
            "xl/styles.xml",
            r#"<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#,
        ),
        ("xl/sharedStrings.xml", shared),
        ("xl/worksheets/sheet1.xml", sheet),
        (
            "docProps/core.xml",
            "<p><dc:title>Contratos de 2024</dc:title></p>",
        ),
    ])
}

#[tokio::test]
async fn an_xlsx_gives_numbers_and_dates_as_people_write_them() {
    let sheet = r#"<worksheet><sheetData>
        <row r="2"><c r="B2" t="s"><v>0</v></c><c r="C2" t="inlineStr"><is><t>Assinado em</t></is></c><c r="D2" t="str"><f>A1</f><v>Valor</v></c></row>
        <row r="3"><c r="B3" t="s"><v>1</v></c><c r="C3" s="1"><v>45366</v></c><c r="D3"><v>1234.5</v></c></row>
        <row r="4"><c r="B4" t="b"><v>1</v></c><c r="C4" t="e"><v>#DIV/0!</v></c><c r="D4"><v>7</v></c></row>
        </sheetData></worksheet>"#;
    let shared = "<sst><si><t>Fornecedor</t></si><si><r><t xml:space=\"preserve\">Água </t></r><r><t>&amp; Cia</t></r></si></sst>";
    let document = extract_bytes("a.xlsx", &xlsx(sheet, shared)).await.unwrap();
    assert_eq!(document.title.as_deref(), Some("Contratos de 2024"));
    assert_eq!(
        blocks(&document, 0),
        [
            ("heading", "Contratos"),
            (
                "table",
                "| Fornecedor | Assinado em | Valor |\n| --- | --- | --- |\n| Água & Cia | 2024-03-15 | 1234.5 |\n| true |  | 7 |"
            ),
        ]
    );
}

#[tokio::test]
async fn an_xlsx_that_unpacks_too_far_is_refused_and_a_damaged_sheet_keeps_what_came_before() {
    let bomb = format!("<sst><si><t>{}</t></si></sst>", " ".repeat(40 * 1_024 * 1_024));
    let failure = extract_bytes("a.xlsx", &xlsx("<worksheet/>", &bomb))
        .await
        .unwrap_err();
    assert_eq!(failure.code, ErrorCode::ExpandsTooFar);

    let lies = r#"<sst uniqueCount="99999999999999999"><si><t>x</t></si></sst>"#;
    let failure = extract_bytes("a.xlsx", &xlsx("<worksheet><sheetData/></worksheet>", lies))
        .await
        .unwrap_err();
    assert_eq!(failure.code, ErrorCode::Corrupt);

    let torn = r#"<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>antes</t></is></c></row><row r="2"><c r="A2" t='x><"#;
    let document = extract_bytes("a.xlsx", &xlsx(torn, "<sst/>")).await.unwrap();
    assert_eq!(
        blocks(&document, 0),
        [("heading", "Contratos"), ("paragraph", "antes")]
    );
    assert_eq!(document.notes[0].kind.as_str(), "broken_page");
}

/// A record of BIFF8.
fn record(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend((body.len() as u16).to_le_bytes());
    bytes.extend(body);
    bytes
}

/// A text of up to 255 characters in UTF-16.
fn biff_text(text: &str, length_bytes: usize) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut bytes = (units.len() as u16).to_le_bytes()[..length_bytes].to_vec();
    bytes.push(1);
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes
}

/// A workbook of one sheet.
pub(crate) fn xls() -> Vec<u8> {
    xls_with(&[])
}

/// The same with further cells.
fn xls_with(further: &[(u16, u16, &str)]) -> Vec<u8> {
    let bof = |kind: u16| {
        let mut body = 0x0600_u16.to_le_bytes().to_vec();
        body.extend(kind.to_le_bytes());
        body.extend([0; 12]);
        record(0x0809, &body)
    };
    let label = |row: u16, column: u16, text: &str| {
        let mut body = [row.to_le_bytes(), column.to_le_bytes(), [0, 0]].concat();
        body.extend(biff_text(text, 2));
        record(0x0204, &body)
    };
    let number = |row: u16, column: u16, value: f64| {
        let mut body = [row.to_le_bytes(), column.to_le_bytes(), [0, 0]].concat();
        body.extend(value.to_le_bytes());
        record(0x0203, &body)
    };
    let sheet = [
        bof(0x10),
        label(0, 0, "Órgão"),
        label(0, 3, "Valor"),
        label(1, 0, "Saúde"),
        number(1, 3, 10.25),
        further
            .iter()
            .flat_map(|&(row, column, text)| label(row, column, text))
            .collect(),
        record(0x0a, &[]),
    ]
    .concat();
    let globals = |sheet_at: u32| {
        let mut place = sheet_at.to_le_bytes().to_vec();
        place.extend([0, 0]);
        place.extend(biff_text("Orçamento", 1));
        [bof(5), record(0x0085, &place), record(0x0a, &[])].concat()
    };
    let workbook = [globals(globals(0).len() as u32), sheet].concat();
    ole(&[("/Workbook", &workbook)])
}

#[tokio::test]
async fn an_xls_is_a_page_a_sheet() {
    let document = extract_bytes("a.xls", &xls()).await.unwrap();
    assert_eq!(
        blocks(&document, 0),
        [
            ("heading", "Orçamento"),
            ("table", "| Órgão | Valor |\n| --- | --- |\n| Saúde | 10.25 |"),
        ]
    );
}

#[tokio::test]
async fn a_lone_cell_in_the_far_corner_of_an_xls_costs_nothing() {
    let file = xls_with(&[(65_535, 255, "longe")]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.xls");
    std::fs::write(&path, file).unwrap();
    let limits = ChildLimits {
        address_space_bytes: 256 * 1_024 * 1_024,
        ..ChildLimits::default()
    };
    let document = read(&extractor_with("__extract", limits), &path, "a.xls")
        .await
        .unwrap();
    assert_eq!(
        blocks(&document, 0),
        [
            ("heading", "Orçamento"),
            ("table", "| Órgão | Valor |\n| --- | --- |\n| Saúde | 10.25 |"),
            ("paragraph", "longe"),
        ]
    );
}
