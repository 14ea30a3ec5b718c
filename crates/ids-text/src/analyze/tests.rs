//! Properties: typed accents change nothing; places are those of the text as given; one form per reference.

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::*;
use crate::fold::fold;

fn check(text: &str, expected: &[&str]) {
    let terms: Vec<Term> = index_terms(text);
    let terms: Vec<&str> = terms.iter().map(Term::as_str).collect();
    assert_eq!(terms, expected, "terms of `{text}`");
}

/// The analyzed words as they stand in the text, one per place.
fn written(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    analyze(text)
        .iter()
        .map(|word| chars[word.start..word.end].iter().collect())
        .collect()
}

#[test]
fn a_word_gives_its_portuguese_and_its_english_stem() {
    check("ação", &["paca", "eacao"]);
    check("Ações", &["paca", "eaco"]);
    check("running", &["prunning", "erun"]);
    check("licitações", &["plicit", "elicitaco"]);
    check("LICITAÇÃO", &["plicit", "elicitacao"]);
}

#[test]
fn function_words_of_both_languages_give_nothing() {
    check("o que é isto, and what is that?", &[]);
    assert_eq!(query_terms("de quem são?"), []);
}

#[test]
fn a_reference_is_found_however_it_is_written() {
    check(
        "Lei nº 14.133/2021",
        &["plei", "elei", "r14133z2fz2021", "r14133"],
    );
    check("lei 14133/2021", &["plei", "elei", "r14133z2fz2021", "r14133"]);
    check("lei 14.133", &["plei", "elei", "r14133"]);
    check("R$ 1.234,56", &["r1234z2ez56"]);
    check("0001234-56.2023.8.26.0100", &["r00012345620238260100"]);
    check("CNPJ 12.345.678/0001-90", &["pcnpj", "ecnpj", "r12345678000190"]);
    check("12.ABC.345/01DE-35", &["r12abc34501de35"]);
    check("12abc34501de35", &["r12abc34501de35"]);
    check("01/02/2023", &["r2023z2dz02z2dz01"]);
    check("10:30", &["r10z3az30", "r10", "r30"]);
}

#[test]
fn an_ordinal_is_found_by_its_number() {
    check("art. 5º", &["part", "eart", "r5"]);
    check("art. 5o", &["part", "eart", "r5o", "r5"]);
    check("21st", &["r21st", "r21"]);
    check("covid19", &["rcovid19"]);
    check("５", &["r5"]);
    check("1.234kg", &["r1234", "pkg", "ekg"]);
}

#[test]
fn ideographs_are_words_of_one_letter() {
    check("法律", &["rz6cd5z", "rz5f8bz"]);
    assert_eq!(written("see法律x"), ["see", "法", "律", "x"]);
}

#[test]
fn hyphens_and_apostrophes_separate_and_invisible_characters_do_not() {
    assert_eq!(written("guarda-chuva d’água"), ["guarda", "chuva", "d", "água"]);
    assert_eq!(
        written("infor\u{AD}mação\u{AD} nova"),
        ["infor\u{AD}mação", "nova"]
    );
    assert_eq!(index_terms("infor\u{AD}ma\u{200B}ção"), index_terms("informação"));
}

#[test]
fn places_are_those_of_the_text_as_given() {
    let text = "ﬁm: a ac\u{327}a\u{303}o №5 é Σύμβαση";
    assert_eq!(written(text), ["ﬁm", "ac\u{327}a\u{303}o", "5", "Σύμβαση"]);
    assert_eq!(analyze(text)[1].start, 6);
}

#[test]
fn query_terms_are_distinct_and_in_order() {
    let terms = query_terms("ação sobre ação acao");
    assert_eq!(
        terms.iter().map(Term::as_str).collect::<Vec<_>>(),
        ["paca", "eacao"]
    );
}

#[test]
fn highlights_are_the_words_a_query_hits() {
    let terms: BTreeSet<Term> = query_terms("licitacao lei 14.133").into_iter().collect();
    let text = "As licitações da Lei 14.133/2021.";
    assert_eq!(highlights(text, &terms), [(3, 13), (17, 20), (21, 32)]);
    assert_eq!(highlights(text, &BTreeSet::new()), []);
}

#[test]
fn words_typed_without_accents_have_the_same_terms() {
    for word in ACCENTED.split_whitespace() {
        assert_eq!(index_terms(word), index_terms(&fold(word)), "`{word}`");
        assert_eq!(
            index_terms(word),
            index_terms(&word.nfd().collect::<String>()),
            "`{word}`"
        );
        assert_eq!(index_terms(word), index_terms(&word.to_uppercase()), "`{word}`");
    }
}

#[test]
fn a_huge_word_gives_short_terms() {
    for term in index_terms(&"ã".repeat(10_000)) {
        assert!(term.as_str().len() <= crate::term::MAX_LEN);
    }
}

proptest! {
    #[test]
    fn typed_accents_never_matter(text in "[a-zA-Z0-9áàâãäéêèíïóôõöúüçñÁÂÃÉÊÍÓÔÕÚÇ .,/:'-]{0,60}") {
        let terms = index_terms(&text);
        prop_assert_eq!(&terms, &index_terms(&fold(&text)));
        prop_assert_eq!(&terms, &index_terms(&text.nfd().collect::<String>()));
    }

    #[test]
    fn words_stand_in_order_inside_the_text(text in "\\PC{0,80}") {
        let length = text.chars().count();
        let mut end = 0;
        for word in analyze(&text) {
            prop_assert!(end <= word.start && word.start < word.end && word.end <= length);
            prop_assert!(!word.terms.as_slice().is_empty());
            for term in word.terms.as_slice() {
                prop_assert_eq!(Term::from_encoded(term.as_str()), Some(term.clone()));
            }
            end = word.end;
        }
    }

    #[test]
    fn a_word_alone_has_the_terms_it_has_in_its_text(text in "[a-zç0-9 ./-]{0,60}") {
        let chars: Vec<char> = text.chars().collect();
        for word in analyze(&text) {
            let alone: String = chars[word.start..word.end].iter().collect();
            let terms = analyze(&alone);
            prop_assert_eq!(terms.len(), 1);
            prop_assert_eq!(&terms[0].terms, &word.terms);
        }
    }
}

/// Words with every suffix of the table in `stem`, and others with every accent of Portuguese.
const ACCENTED: &str = "ação ações decisão decisões pensão pensões avião aviões pão pães alemães irmão irmãos cidadãos mão \
    responsável responsáveis possível possíveis disponível exigência exigências ciência ciências distância distâncias \
    instância substâncias partíssemos amássemos vendêssemos amaríamos venderíamos partiríamos vendíamos amávamos \
    público pública municípios município órgão órgãos licitação licitatório jurídico jurídica física físicas técnico \
    técnica técnicas prática práticas até também já só está estão é são não três mês meses português portuguesa inglês \
    país países saúde juízo juíza raiz raízes herói heróis pé café avó avô vovó lâmpada câmara câmaras parlamentar \
    orçamento orçamentário orçamentária previdência previdenciário calçada açúcar coração corações lição lições vocês \
    pôr por têm tem vêm vem pára para fácil fáceis difícil útil úteis inútil álcool árvore árvores época ética ótimo \
    último última único única núcleo índice índices ícone égua água águas língua linguística pinguim pingüim qüinqüênio \
    conseqüência frequência à às àquele àquela";
