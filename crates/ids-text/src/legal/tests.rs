//! What the skeleton promises: (1) it is found in texts of law and in no others; (2) a part is known by the marks in use,
//! whatever the typist's style; (3) sentences that cite are no marks; (4) a reference is read back as it was written.

use proptest::prelude::*;

use super::*;

const LAW: &str = "LEI Nº 14.133, DE 1º DE ABRIL DE 2021
Lei de Licitações e Contratos Administrativos.
O PRESIDENTE DA REPÚBLICA Faço saber que o Congresso Nacional decreta e eu sanciono a seguinte Lei:
CAPÍTULO VIII
DA CONTRATAÇÃO DIRETA
Art. 74. É inexigível a licitação quando inviável a competição, em especial nos casos de:
I - aquisição de materiais;
II - contratação de profissional do setor artístico;
a) estudos técnicos;
b) pareceres;
§ 1º Para fins do disposto no inciso I do caput deste artigo, a Administração deverá demonstrar.
Parágrafo 2º Para fins do disposto no inciso II.
Art. 75. É dispensável a licitação:
I - para contratação que envolva valores inferiores a R$ 100.000,00;
II – para contratação que envolva valores inferiores a R$ 50.000,00;
Parágrafo único. Os valores serão duplicados.";

fn references(title: &str, text: &str) -> Vec<String> {
    let skeleton = Skeleton::of(title, text.lines());
    skeleton
        .parts
        .iter()
        .map(|part| reference(&part.path, &part.path).unwrap_or_default())
        .collect()
}

#[test]
fn each_line_of_a_law_is_known_by_its_act_article_paragraph_item_and_letter() {
    assert_eq!(
        references("lei-licitacoes", LAW),
        [
            "",
            "Lei 14.133/2021, art. 74",
            "Lei 14.133/2021, art. 74, I",
            "Lei 14.133/2021, art. 74, II",
            "Lei 14.133/2021, art. 74, II, a",
            "Lei 14.133/2021, art. 74, II, b",
            "Lei 14.133/2021, art. 74, § 1º",
            "Lei 14.133/2021, art. 74, § 2º",
            "Lei 14.133/2021, art. 75",
            "Lei 14.133/2021, art. 75, I",
            "Lei 14.133/2021, art. 75, II",
            "Lei 14.133/2021, art. 75, parágrafo único",
        ]
    );
}

#[test]
fn marks_are_known_in_every_style() {
    let check = |line: &str, expected: &str| {
        let text = format!("Art. 1º Um.\nArt. 2º Dois.\n{line}");
        assert_eq!(
            references("", &text).last().map(String::as_str),
            Some(expected),
            "{line}"
        );
    };
    check("Art 3o Fica criado.", "art. 3º");
    check("ART. 3º - Fica criado.", "art. 3º");
    check("Artigo 3º. Fica criado.", "art. 3º");
    check("Art. 10 Fica criado.", "art. 10");
    check("Art. 10-A. Fica criado.", "art. 10-A");
    check("Art. 2º-A Fica criado.", "art. 2º-A");
    check("§ 1o Se houver.", "art. 2º, § 1º");
    check("§1º. Se houver.", "art. 2º, § 1º");
    check("PARÁGRAFO ÚNICO - Se houver.", "art. 2º, parágrafo único");
    check("§ único. Se houver.", "art. 2º, parágrafo único");
    check("I — um;", "art. 2º, I");
    check("I) um;", "art. 2º, I");
}

#[test]
fn sentences_that_cite_are_no_marks() {
    let base = references("", "Art. 1º Um.\nArt. 2º Dois.").len();
    for line in [
        "Art. 5º, inciso II, da Constituição.",
        "Art. 3º e seguintes da Lei.",
        "art. 3º da Lei nº 8.666",
        "“Art. 3º Fica criado.”",
        "§ 1º, do art. 7º.",
        "§ 9º Se houver.",
        "V - cinco sem quatro",
        "Artes. 3",
        "IIII - não é número",
        "b) sem a",
        "e) fim",
        "I love",
        "Civil - do código",
        "Art. 900. De outra lei.",
        "Parágrafo único da lei que",
    ] {
        let found = references("", &format!("Art. 1º Um.\nArt. 2º Dois.\n{line}"));
        let is_only = line.starts_with("Parágrafo único");
        assert_eq!(found.len(), base + usize::from(is_only), "{line}: {found:?}");
    }
}

#[test]
fn other_texts_have_no_skeleton() {
    for text in [
        "O contrato prevê multa.\nI - primeiro\nII - segundo\na) um\nb) dois",
        "Art. 5º Um só artigo, citado num parecer.",
        "§ 1º Nada.",
        "Kapitel I\nArtikel 1",
        "",
    ] {
        assert_eq!(
            Skeleton::of("Lei 1/2020", text.lines()),
            Skeleton::default(),
            "{text}"
        );
    }
}

#[test]
fn acts_are_cited_by_kind_number_and_year() {
    let check =
        |line: &str, expected: Option<&str>| assert_eq!(act::of_title(line).as_deref(), expected, "{line}");
    check("LEI Nº 14.133, DE 1º DE ABRIL DE 2021", Some("Lei 14.133/2021"));
    check("Lei n.º 8.666 de 21 de junho de 1993.", Some("Lei 8.666/1993"));
    check(
        "LEI COMPLEMENTAR Nº 101, DE 4 DE MAIO DE 2000",
        Some("Lei Complementar 101/2000"),
    );
    check("LEI MUNICIPAL N° 1.234/2019", Some("Lei Municipal 1.234/2019"));
    check(
        "DECRETO-LEI Nº 5.452, DE 1º DE MAIO DE 1943",
        Some("Decreto-Lei 5.452/1943"),
    );
    check(
        "DECRETO Nº 10.024, DE 20 DE SETEMBRO DE 2019 (Vide Lei)",
        Some("Decreto 10.024/2019"),
    );
    check(
        "INSTRUÇÃO NORMATIVA SEGES/ME Nº 65, DE 7 DE JULHO DE 2021",
        Some("Instrução Normativa 65/2021"),
    );
    check("Resolução nº 12/2022", Some("Resolução 12/2022"));
    check(
        "CONSTITUIÇÃO DA REPÚBLICA FEDERATIVA DO BRASIL DE 1988",
        Some("Constituição Federal"),
    );
    check(
        "Lei nº 14.133, de 1º de abril de 2021, que regula as licitações, dispõe",
        None,
    );
    check("a Lei nº 8.666/1993", None);
    check("Leis e decretos", None);
    check("LEI DE LICITAÇÕES", None);
    check("Lei 14.133", None);
}

#[test]
fn a_passage_over_several_parts_is_cited_by_its_ends() {
    let skeleton = Skeleton::of("", LAW.lines());
    let check = |from: usize, to: usize, expected: Option<&str>| {
        let parts = &skeleton.parts;
        assert_eq!(reference(&parts[from].path, &parts[to].path).as_deref(), expected);
    };
    check(0, 0, None);
    check(0, 1, Some("Lei 14.133/2021, art. 74"));
    check(1, 5, Some("Lei 14.133/2021, art. 74"));
    check(2, 3, Some("Lei 14.133/2021, art. 74, I a II"));
    check(4, 5, Some("Lei 14.133/2021, art. 74, II, a a b"));
    check(6, 7, Some("Lei 14.133/2021, art. 74, §§ 1º a 2º"));
    check(3, 6, Some("Lei 14.133/2021, art. 74"));
    check(3, 9, Some("Lei 14.133/2021, arts. 74 a 75"));
}

#[test]
fn a_hit_says_in_which_part_its_words_stand() {
    let content =
        "Art. 75. É dispensável a licitação:\n\nI - para obras;\n\nII - para outros serviços e compras;";
    let place = |word: &str| content.split(word).next().unwrap().chars().count();
    let whole = "Lei 14.133/2021, art. 75";
    assert_eq!(
        narrowed(whole, content, &[place("compras")]),
        "Lei 14.133/2021, art. 75, II"
    );
    assert_eq!(
        narrowed(whole, content, &[place("obras")]),
        "Lei 14.133/2021, art. 75, I"
    );
    assert_eq!(
        narrowed(whole, content, &[place("dispensável")]),
        "Lei 14.133/2021, art. 75"
    );
    assert_eq!(narrowed(whole, content, &[]), whole);
    let rest = "serviços de engenharia;\nIII - para contratação;";
    assert_eq!(narrowed("art. 75, II a III", rest, &[0]), "art. 75, II");
    assert_eq!(narrowed("art. 75, II a III", rest, &[30]), "art. 75, III");
    assert_eq!(narrowed("sem sentido", rest, &[0]), "sem sentido");
}

#[test]
fn headings_and_reference_come_apart_again() {
    let check = |heading: &str, headings: Option<&str>, reference: Option<&str>| {
        assert_eq!(split_reference(heading), (headings, reference), "{heading}");
    };
    check(
        "CAPÍTULO I › Lei 14.133/2021, art. 75, II a III",
        Some("CAPÍTULO I"),
        Some("Lei 14.133/2021, art. 75, II a III"),
    );
    check("art. 5º", None, Some("art. 5º"));
    check(
        "Constituição Federal, art. 5º, LXXVIII, § 1º",
        None,
        Some("Constituição Federal, art. 5º, LXXVIII, § 1º"),
    );
    check("A › B", Some("A › B"), None);
    check(
        "Das multas, art. 5º da Lei",
        Some("Das multas, art. 5º da Lei"),
        None,
    );
    check("art. deco", Some("art. deco"), None);
    check("", Some(""), None);
}

fn any_path() -> impl Strategy<Value = LegalPath> {
    let number =
        || (1u32..400, prop::option::of("[A-Z]{1,2}")).prop_map(|(value, suffix)| Number { value, suffix });
    (
        prop::option::of(Just("Lei 14.133/2021".to_owned())),
        number(),
        prop::option::of(prop::option::of(number())),
        prop::option::of(number()),
        prop::option::of("[a-z]{1,2}"),
    )
        .prop_map(|(act, article, paragraph, item, letter)| LegalPath {
            act,
            article: Some(article),
            paragraph,
            item,
            letter,
        })
}

proptest! {
    #[test]
    fn a_reference_is_read_back(path in any_path()) {
        let text = reference(&path, &path).unwrap();
        prop_assert_eq!(start_of(&text), Some(path));
        let joined = with_reference(Some("Título"), &text);
        prop_assert_eq!(split_reference(&joined), (Some("Título"), Some(text.as_str())));
    }

    #[test]
    fn a_passage_s_reference_is_known_as_one(first in any_path(), last in any_path()) {
        let text = reference(&first, &last).unwrap();
        prop_assert_eq!(split_reference(&text), (None, Some(text.as_str())));
    }

    #[test]
    fn any_text_has_a_skeleton_of_its_lines(text in "((Art\\. |§ |[IVX]{1,3} - |[a-c]\\) |LEI Nº 1/2020)?[0-9ºa-zé .]{0,9}\n){0,30}") {
        let lines: Vec<&str> = text.lines().collect();
        let skeleton = Skeleton::of(&text, lines.iter().copied());
        prop_assert!(skeleton.parts.windows(2).all(|pair| pair[0].line < pair[1].line));
        prop_assert!(skeleton.parts.iter().all(|part| part.line < lines.len()));
        for pair in skeleton.parts.windows(2) {
            if let Some(reference) = reference(&pair[0].path, &pair[1].path) {
                narrowed(&reference, &text, &[0, 7]);
            }
        }
    }
}
