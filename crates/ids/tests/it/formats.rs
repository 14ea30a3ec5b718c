//! Every family of formats the whole way: sent to a running server, found by words, with its place.

use crate::place::{Place, corpus};
use crate::server::Server;

/// Latin letters are the same in Windows-1252.
fn windows(text: &str) -> Vec<u8> {
    text.chars().map(|c| u32::from(c) as u8).collect()
}

#[test]
fn each_family_of_formats_is_found_on_its_page() {
    let Some(corpus) = corpus() else { return };
    let place = Place::new();
    place.copy(&corpus, "handbook-pt-apparmor.odt", "in/manual.odt");
    place.copy(&corpus, "sheet-pt-sparse.xlsx", "in/planilha.xlsx");
    place.copy(&corpus, "slides-pt.pptx", "in/slides.pptx");
    place.copy(&corpus, "mail-pt-attachment.eml", "in/mensagem.eml");
    place.write(
        "in/despesas.csv",
        windows("Mês;Órgão;Valor\r\nMarço;Zeladoria;1.500,50\r\n"),
    );
    // Whatever their names say.
    place.write(
        "in/oficio.doc",
        windows(r"{\rtf1\ansi Encaminho o or\'e7amento quinquenal.\par}"),
    );
    place.write(
        "in/nota.txt",
        "<?xml version=\"1.0\"?><nfe><emit><xNome>Papelaria Caligrafia</xNome></emit></nfe>",
    );
    place.write(
        "in/pagina.mht",
        "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
         <h1>Portal</h1><p>Consulta de protocolo</p>\r\n--b--\r\n",
    );
    let server = Server::start(&place);
    let report = place.json(&["ingest", "in"]);
    // Eight files, and what is attached to the message.
    assert_eq!(report["ingested"], 9, "{report:#}");

    for (query, source, page, kind) in [
        (
            "AppArmor confina programas",
            "manual.odt",
            None,
            "application/vnd.oasis.opendocument.text",
        ),
        ("Célula isolada com acentuação", "planilha.xlsx", Some(2), "xlsx"),
        ("Conclusão número 3 da comissão", "slides.pptx", Some(3), "pptx"),
        ("decisão adiada para março", "mensagem.eml", Some(1), "eml"),
        ("zeladoria 1500,50", "despesas.csv", Some(1), "csv"),
        ("orçamento quinquenal", "oficio.doc", Some(1), "rtf"),
        ("papelaria caligrafia", "nota.txt", Some(1), "xml"),
        ("consulta de protocolo", "pagina.mht", Some(1), "mhtml"),
    ] {
        let hits = place.json(&["search", query, "--type", kind, "-n", "3"]);
        let hit = &hits["results"][0];
        assert_eq!(hit["source"], source, "{query}: {hits:#}");
        let found_on = hit["spans"]
            .as_array()
            .unwrap()
            .iter()
            .map(|span| span["page"].as_u64().unwrap());
        if let Some(page) = page {
            assert!(
                found_on.into_iter().any(|found| found == page),
                "{query}: {hit:#}"
            );
        }
    }
    drop(server);
}
