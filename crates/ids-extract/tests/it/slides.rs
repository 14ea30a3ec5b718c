//! PPTX made here: what becomes of its parts.

use ids_core::error::ErrorCode;

use crate::support::{blocks, extract_bytes, package};

const PRESENTATION: &str = r#"<p:presentation><p:sldIdLst><p:sldId id="256" r:id="rId2"/><p:sldId id="257" r:id="rId1"/></p:sldIdLst></p:presentation>"#;
const RELATIONS: &str = r#"<Relationships><Relationship Id="rId1" Type="x/slide" Target="slides/slide1.xml"/><Relationship Id="rId2" Type="x/slide" Target="/ppt/slides/slide2.xml"/></Relationships>"#;
const SLIDE: &str = r#"<p:sld><p:cSld><p:spTree>
    <p:sp><p:nvPr><p:ph type="title"/></p:nvPr><p:txBody><a:p><a:r><a:t>Metas &amp; prazos</a:t></a:r></a:p></p:txBody></p:sp>
    <p:sp><p:nvPr><p:ph idx="1"/></p:nvPr><p:txBody><a:p><a:r><a:t>um</a:t></a:r><a:br/><a:r><a:t>dois</a:t></a:r></a:p></p:txBody></p:sp>
    <p:sp><p:nvPr/><p:txBody><a:p><a:r><a:t>solto</a:t></a:r></a:p></p:txBody></p:sp>
    <p:graphicFrame><a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>Mês</a:t></a:r></a:p></a:txBody></a:tc><a:tc><a:txBody><a:p><a:r><a:t>Meta</a:t></a:r></a:p></a:txBody></a:tc></a:tr>
    <a:tr><a:tc><a:txBody><a:p><a:r><a:t>maio</a:t></a:r></a:p></a:txBody></a:tc><a:tc><a:txBody><a:p><a:r><a:t>3</a:t></a:r></a:p></a:txBody></a:tc></a:tr></a:tbl></p:graphicFrame>
    <p:sp><p:nvPr><p:ph type="sldNum"/></p:nvPr><p:txBody><a:p><a:fld><a:t>2</a:t></a:fld></a:p></p:txBody></p:sp>
    <p:sp><p:nvPr><p:ph type="ftr"/></p:nvPr><p:txBody><a:p><a:r><a:t>Câmara</a:t></a:r></a:p></p:txBody></p:sp>
    </p:spTree></p:cSld></p:sld>"#;
const SLIDE_RELATIONS: &str = r#"<Relationships><Relationship Id="rId1" Type="x/notesSlide" Target="../notesSlides/n.xml"/><Relationship Id="rId2" Type="x/diagramData" Target="../diagrams/d.xml"/></Relationships>"#;
const NOTES: &str = "<p:notes><p:sp><p:ph type='sldNum'/><a:p><a:t>1</a:t></a:p></p:sp><p:sp><p:ph type='body'/><a:p><a:t>Falar devagar.</a:t></a:p></p:sp></p:notes>";

#[tokio::test]
async fn a_pptx_is_a_page_a_slide_in_the_order_of_the_show() {
    let bytes = package(&[
        ("ppt/presentation.xml", PRESENTATION),
        ("ppt/_rels/presentation.xml.rels", RELATIONS),
        ("ppt/slides/slide1.xml", SLIDE),
        ("ppt/slides/_rels/slide1.xml.rels", SLIDE_RELATIONS),
        ("ppt/notesSlides/n.xml", NOTES),
        ("ppt/diagrams/d.xml", "<dgm><a:p><a:t>etapa</a:t></a:p></dgm>"),
        ("ppt/slides/slide2.xml", "<p:sld><a:p><a:t>capa</a:t></a:p><a:p"),
    ]);
    let document = extract_bytes("a.pptx", &bytes).await.unwrap();
    assert_eq!(blocks(&document, 0), [("paragraph", "capa")]);
    assert_eq!(
        blocks(&document, 1),
        [
            ("heading", "Metas & prazos"),
            ("list_item", "um\ndois"),
            ("paragraph", "solto"),
            ("table", "| Mês | Meta |\n| --- | --- |\n| maio | 3 |"),
            ("footer", "Câmara"),
            ("paragraph", "etapa"),
            ("paragraph", "Falar devagar."),
        ]
    );
    let notes: Vec<_> = document
        .notes
        .iter()
        .map(|note| (note.page_number, note.kind.as_str()))
        .collect();
    assert_eq!(notes, [(Some(1), "broken_page")]);
}

#[tokio::test]
async fn a_pptx_without_slides_is_corrupt_and_one_that_unpacks_too_far_is_refused() {
    let empty = package(&[("ppt/presentation.xml", "<p:presentation/>")]);
    assert_eq!(
        extract_bytes("a.pptx", &empty).await.unwrap_err().code,
        ErrorCode::Corrupt
    );
    let slide = format!("<p:sld><a:p><a:t>{}", "a".repeat(40 * 1_024 * 1_024));
    let bomb = package(&[
        ("ppt/presentation.xml", PRESENTATION),
        ("ppt/_rels/presentation.xml.rels", RELATIONS),
        ("ppt/slides/slide2.xml", &slide),
    ]);
    assert_eq!(
        extract_bytes("a.pptx", &bomb).await.unwrap_err().code,
        ErrorCode::ExpandsTooFar
    );
}
