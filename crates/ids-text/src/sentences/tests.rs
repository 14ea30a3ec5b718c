//! Sentences as tables: `check(text, sentences)`.

use proptest::prelude::*;

use super::*;

fn check(text: &str, expected: &[&str]) {
    let chars: Vec<char> = text.chars().collect();
    let found: Vec<String> = sentences(text)
        .into_iter()
        .map(|(start, end)| chars[start..end].iter().collect())
        .collect();
    assert_eq!(found, expected, "sentences of `{text}`");
}

/// All of `text` is one sentence.
fn one(text: &str) {
    check(text, &[text]);
}

#[test]
fn a_stop_before_a_capital_ends_a_sentence() {
    check(
        "O sol nasceu. A lua foi embora.",
        &["O sol nasceu.", "A lua foi embora."],
    );
    check("Is it so? Yes! Good.", &["Is it so?", "Yes!", "Good."]);
    check(
        "Custa caro. 25 pessoas foram.",
        &["Custa caro.", "25 pessoas foram."],
    );
    check("sem ponto final", &["sem ponto final"]);
    check("", &[]);
    check(" \n ", &[]);
}

#[test]
fn each_row_of_a_table_is_its_own() {
    check(
        "| Mês | Valor |\n| --- | --- |\n| março | 10 |\ne depois",
        &["| Mês | Valor |", "| --- | --- |", "| março | 10 |", "e depois"],
    );
}

#[test]
fn closing_signs_belong_to_their_sentence() {
    check(
        "Ele disse: “Vou.” Depois saiu.",
        &["Ele disse: “Vou.”", "Depois saiu."],
    );
    check("(Foi assim.) Acabou.", &["(Foi assim.)", "Acabou."]);
    check(
        "Foi em 1999.[12][3] Depois mudou.",
        &["Foi em 1999.[12][3]", "Depois mudou."],
    );
    one("“Quê?” perguntou ele.");
}

#[test]
fn a_source_in_brackets_stays_with_what_it_is_the_source_of() {
    check(
        "Disse: “É assim.” (LAUDON, 2004, p. 7). Mas não é.",
        &["Disse: “É assim.” (LAUDON, 2004, p. 7).", "Mas não é."],
    );
    check(
        "Foi assim. (O ano era 2004 e chovia.) Acabou.",
        &["Foi assim.", "(O ano era 2004 e chovia.)", "Acabou."],
    );
}

#[test]
fn ellipses_end_only_before_a_beginning() {
    one("Bem... talvez seja.");
    check("Bem… Talvez. Não", &["Bem…", "Talvez.", "Não"]);
}

#[test]
fn abbreviations_hold_together() {
    one("Conforme o art. 5º da Constituição e os arts. 6 e 7.");
    one("O Sr. Silva e a Sra. Souza visitaram o Dr. Ramos.");
    one("Exmo. Sr. Prof. Dr. Antônio.");
    one("Ver p. 12, pág. 13, fig. 4, cap. 3, inc. II e al. a.");
    one("A Lei n. 14.133 e a Lei nº. 8.666 valem.");
    one("Mora na Av. Paulista, tel. 11 5555-1234.");
    one("Frutas, p. ex. Maçãs, e outras, v.g. Peras.");
    one("See e.g. Smith, i.e. No. 5 vs. Mr. Jones.");
    one("O Des. Ramos e o Ten. Lima citam Silva et al. 2001 e o inc. I do § 1º.");
    one("A R. Augusta fica perto.");
    one("J. R. Silva e John F. Kennedy vieram.");
    one("A empresa Acme Ltda. pagou à Beta S.A. Holding o valor.");
    one("The U.S. Army left.");
    one("Custa R$ 1.234,56 ou 3.14 euros.");
}

#[test]
fn an_abbreviation_can_end_a_sentence_too() {
    check(
        "Contratou a Acme Ltda. O prazo é de um ano.",
        &["Contratou a Acme Ltda.", "O prazo é de um ano."],
    );
    check(
        "Maçãs, peras, etc. As uvas não.",
        &["Maçãs, peras, etc.", "As uvas não."],
    );
    check("They left the U.S. The end.", &["They left the U.S.", "The end."]);
    check("He said no. Then he left.", &["He said no.", "Then he left."]);
    check(
        "Rico em vitamina C. O limão é azedo.",
        &["Rico em vitamina C.", "O limão é azedo."],
    );
    check("They said no. I agree.", &["They said no.", "I agree."]);
    check("There were ten. They left.", &["There were ten.", "They left."]);
    check(
        "Como mostra Silva et al. O estudo é novo.",
        &["Como mostra Silva et al.", "O estudo é novo."],
    );
    check("Veja a ed. Ela é nova.", &["Veja a ed.", "Ela é nova."]);
}

#[test]
fn the_number_of_an_item_stays_with_it() {
    one("Art. 1º. Fica criado o fundo.");
    one("Parágrafo único. O prazo é de dez dias.");
    check(
        "1. Introdução ao tema. O texto segue.",
        &["1. Introdução ao tema.", "O texto segue."],
    );
    check(
        "Cláusula Segunda. Do preço. É fixo.",
        &["Cláusula Segunda. Do preço.", "É fixo."],
    );
    check("Foi em 2021. O ano passou.", &["Foi em 2021.", "O ano passou."]);
}

#[test]
fn a_blank_line_ends_a_sentence_and_a_line_feed_does_not() {
    check(
        "Um título\n\ne o texto\nque segue.",
        &["Um título", "e o texto\nque segue."],
    );
    check("Fim\n \t\nInício", &["Fim", "Início"]);
    check("Acabou.\nComeçou.", &["Acabou.", "Começou."]);
}

#[test]
fn list_items_and_headings_are_sentences() {
    check(
        "São eles:\nI - o prefeito;\nII - o vice.",
        &["São eles:", "I - o prefeito;", "II - o vice."],
    );
    check("Itens:\n- um\n- dois", &["Itens:", "- um", "- dois"]);
    check("Itens:\na) um; e\nb) dois", &["Itens:", "a) um; e", "b) dois"]);
    check("1. Maçã\n2. Pera", &["1. Maçã", "2. Pera"]);
    check(
        "DO OBJETO DO CONTRATO\nO objeto é este.",
        &["DO OBJETO DO CONTRATO", "O objeto é este."],
    );
    check(
        "Texto sem ponto\nArt. 2º Fica extinto.",
        &["Texto sem ponto", "Art. 2º Fica extinto."],
    );
    check(
        "6.2.1. Início\nPara usar,\nleia.",
        &["6.2.1. Início", "Para usar,\nleia."],
    );
    check(
        "# chvt 3\n1.1.7 Como sair\nEscreva exit.",
        &["# chvt 3", "1.1.7 Como sair", "Escreva exit."],
    );
    check("Exemplo 6.4. Uso do comando", &["Exemplo 6.4. Uso do comando"]);
    one("custa\n1.250 reais");
    one("conforme a\nLGPD, que vale\n– segundo eles – muito");
}

#[test]
fn full_width_stops_need_no_space() {
    check("法律。合同。", &["法律。", "合同。"]);
}

proptest! {
    #[test]
    fn sentences_hold_every_visible_character_once(text in "[a-cA-C0-9é .!?…\\n\\[\\])\"•-]{0,120}") {
        let chars: Vec<char> = text.chars().collect();
        let mut seen = vec![0; chars.len()];
        let mut last_end = 0;
        for (start, end) in sentences(&text) {
            prop_assert!(last_end <= start && start < end);
            prop_assert!(!chars[start].is_whitespace() && !chars[end - 1].is_whitespace());
            seen[start..end].iter_mut().for_each(|count| *count += 1);
            last_end = end;
        }
        for (c, count) in chars.iter().zip(seen) {
            prop_assert!(count == 1 || c.is_whitespace());
        }
    }
}
