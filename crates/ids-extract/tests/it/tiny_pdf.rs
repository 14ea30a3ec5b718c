//! PDFs made by hand: pages of lines in Helvetica and Helvetica-Bold.

/// A line: left edge and baseline in points from the bottom left, font size (below zero for bold type), text.
pub(crate) type Line<'a> = (f32, f32, f32, &'a str);

/// A PDF of pages of 595 by 842 points; `page_entries` go into each page's dictionary (`/Rotate 90`).
pub(crate) fn pdf(page_entries: &str, pages: &[&[Line<'_>]]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len())
        .map(|number| format!("{} 0 R", 6 + 2 * number))
        .collect();
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        format!("<</Type/Pages/Count {}/Kids[{}]>>", pages.len(), kids.join(" ")),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>".to_owned(),
        "<</Title<feff0052006500670072006100>/Author(Maria)>>".to_owned(),
    ];
    for (number, lines) in pages.iter().enumerate() {
        let content: String = lines
            .iter()
            .map(|&(x, y, size, text)| {
                let font = if size < 0.0 { "B" } else { "F" };
                format!(
                    "BT /{font} {} Tf {x} {y} Td <{}> Tj ET\n",
                    size.abs(),
                    winansi_hex(text)
                )
            })
            .collect();
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]{page_entries}/Resources<</Font<</F 3 0 R/B 4 0 R>>>>/Contents {} 0 R>>",
            7 + 2 * number
        ));
        objects.push(format!(
            "<</Length {}>>stream\n{content}\nendstream",
            content.len()
        ));
    }
    let mut bytes = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        offsets.push(bytes.len());
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", number + 1).into_bytes());
    }
    let table = bytes.len();
    bytes.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).into_bytes());
    for offset in offsets {
        bytes.extend(format!("{offset:010} 00000 n \n").into_bytes());
    }
    let trailer = format!(
        "trailer<</Size {}/Root 1 0 R/Info 5 0 R>>\nstartxref\n{table}\n%%EOF",
        objects.len() + 1
    );
    bytes.extend(trailer.into_bytes());
    bytes
}

/// Latin-1 letters are the same in Windows-1252; the dash is not.
fn winansi_hex(text: &str) -> String {
    let code = |c| if c == '–' { 0x96 } else { u32::from(c) };
    text.chars().map(|c| format!("{:02x}", code(c))).collect()
}
