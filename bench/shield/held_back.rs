//! Texts written without the rules at hand: other frames, other ways to write a value, near misses of the public service's own numbers, and
//! the noise of a scan. Of the second set no misses were ever looked at.

use ids_text::personal::PersonalKind::{
    self, Account, Agency, Card, Cep, Cnpj, Cpf, Email, Phone, Pis, Plate, Rg,
};

use crate::random::{Random, card, cnpj, cpf, filled, pis};
use crate::texts::Page;

/// Which frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Its misses may be looked at, and rules mended for them.
    Open,
    /// Its figures alone are printed.
    Closed,
}

/// So many pages, the same for the same seed; `is_scanned` puts in what text recognition makes of them.
pub fn pages(set: Set, is_scanned: bool, count: usize, seed: u64) -> Vec<Page> {
    let mut random = Random(seed);
    (0..count)
        .map(|_| {
            let mut writer = Writer {
                random: &mut random,
                page: Page {
                    text: String::new(),
                    values: Vec::new(),
                },
                at: 0,
                is_scanned,
            };
            writer.fill(set);
            writer.page
        })
        .collect()
}

struct Writer<'a> {
    random: &'a mut Random,
    page: Page,
    at: usize,
    is_scanned: bool,
}

/// Offices of a municipality: forms, tables, notices, e-mails.
const OPEN: [&str; 40] = [
    "NOME: {NAME}    CPF: {CPF}    RG: {RG}    ÓRGÃO EMISSOR: SSP/MG",
    "| {NAME} | {CPF} | {PIS} | Classificado |",
    "{NAME};{CPF};{EMAIL};{PHONE}",
    "Nome completo: {NAME}\nC.P.F.: {CPF}\nE-mail: {EMAIL}\nTel. res.: {PHONE}   Cel.: {PHONE}",
    "TERMO DE POSSE. Aos cinco dias do mês de março, compareceu {NAME} (CPF/MF {CPF}), brasileira, casada.",
    "Razão social: COMERCIAL SUL DE MINAS LTDA   CNPJ: {CNPJ}   I.E.: isento",
    "CREDOR: {CNPJ} - PADARIA CENTRAL EIRELI",
    "Endereço: Av. Getúlio Vargas, 1200, apto 302 - Centro - Lavras/MG - {CEP}",
    "CEP: {CEP}  Fone/Fax: {PHONE}",
    "Dados bancários: Banco 001, Agência {AGENCY}, Conta {ACCOUNT}",
    "Banco: 104  Ag.: {AGENCY}  Op.: 013  Conta poupança: {ACCOUNT}",
    "Favor creditar na c/c {ACCOUNT}, ag. {AGENCY}, Bradesco.",
    "Chave PIX: {EMAIL}",
    "Chave PIX (CPF): {CPF}",
    "Chave PIX (celular): {PHONE}",
    "Veículo Fiat Uno, ano 2015, placa {PLATE}, RENAVAM arquivado nesta secretaria.",
    "Auto de infração: veículo {PLATE}, conduzido por {NAME}.",
    "Cartão corporativo nº {CARD}, validade 08/27.",
    "Pagamento no cartão de crédito {CARD} em três parcelas.",
    "NIS do responsável familiar: {PIS}; renda per capita de R$ 218,00.",
    "PIS: {PIS} CTPS: 12345 série 00123-MG",
    "Identidade: {RG}  Data de expedição: 12/05/2009",
    "Doc. de identidade RG {RG} SSP-SP e CPF {CPF}.",
    "O(A) servidor(a) {NAME}, matrícula 12345, RG {RG}, CPF {CPF}, fica exonerado(a) a pedido.",
    "Dúvidas pelo WhatsApp {PHONE} ou pelo endereço eletrônico {EMAIL}.",
    "Ouvidoria: {PHONE} | {EMAIL} | Rua Sant'Ana, 10, CEP {CEP}",
    "De: {NAME} <{EMAIL}>\nPara: {EMAIL}; {EMAIL}\nAssunto: diárias",
    "Autos nº {CNJ}, da 1ª Vara Cível da Comarca de Lavras.",
    "Processo SEI {NUP}; parecer de 05.11.2024, fls. 123-125.",
    "Lei Complementar nº 101, de 4 de maio de 2000; Lei nº 14.133/2021; Decreto nº 11.462, de 31/03/2023.",
    "Município de Lavras, código IBGE {IBGE}, população 104.783, CNAE 8411-6/00.",
    "Nota de empenho 2024NE{SIX}, natureza 3.3.90.39.00, fonte 1500000000.",
    "Chave da NF-e: {NFE}. NCM 8471.30.12.",
    "Linha digitável: {BOLETO}",
    "O CPF {BADCPF} não foi localizado; o CNPJ {BADCNPJ} tem dígito inválido.",
    "Sessão em 2024-11-05, às 09:30, IP do servidor 192.168.10.25, versão 10.4.1.",
    "Coordenadas UTM 505.123,45 e 7.652.345,10; cota 919,25 m; área de 1.234.567,89 m².",
    "CATMAT {SIX}, item 12, quantidade 1.500, valor unitário de R$ 1.234,56, total de R$ 1.851.840,00.",
    "Vigência 2021-2024; exercícios 2022/2023; edital 012/2024; PE SRP 90012/2024; UASG {SIX}.",
    "ISBN 978-65-5789-123-4; registro MTE/ANVISA {ANVISA}; protocolo {TWELVE}.",
];

/// Police, health, payroll, notaries, schools, courts.
const CLOSED: [&str; 38] = [
    "Vítima: {NAME}, filha de {NAME}, portadora da carteira de identidade n° {RG}, inscrita no Cadastro de Pessoas Físicas sob n° {CPF}.",
    "OUTORGANTE: {NAME}, brasileiro, solteiro, C.I. nº {RG}, C.P.F. nº {CPF}, residente nesta cidade, {CEP}.",
    "HOLERITE  {NAME}  CPF {CPF}  PIS/PASEP {PIS}  Bco 237 Ag {AGENCY} Cta {ACCOUNT}",
    "01 {NAME} {CPF} 2.450,00\n02 {NAME} {CPF} 3.120,00",
    "Aluno(a): {NAME} - Responsável: {NAME} - Contato do responsável: {PHONE} / {PHONE}",
    "Paciente {NAME}, telefone para recado: {PHONE}, e-mail do acompanhante: {EMAIL}.",
    "Condutor: {NAME}. Placa do veículo: {PLATE}. Placa da carreta: {PLATE}.",
    "Apreendido o automóvel de placa policial {PLATE}, cor prata.",
    "Remessa para {CEP}, Lavras, Minas Gerais, aos cuidados de {NAME}.",
    "Rua Coronel Machado, nº 77, bairro Jardim Glória, CEP.: {CEP}",
    "Empregador: {NAME} ME (CNPJ {CNPJ}); empregado: {NAME} (CPF {CPF}; PIS {PIS}).",
    "Fornecedor {CNPJ}, Pneus Lavras S.A., valor empenhado de R$ 45.300,00.",
    "Consórcio formado pelas empresas de CNPJ {CNPJ} e {CNPJ}.",
    "A restituição será depositada em conta-corrente de titularidade do interessado: banco 341, agência nº {AGENCY}, conta nº {ACCOUNT}.",
    "Conta salário n. {ACCOUNT} (agência {AGENCY}).",
    "Transação contestada no cartão final diverso; número informado pela titular: {CARD}.",
    "Cartão nº: {CARD} - bandeira Visa",
    "Inscrita no NIT sob o nº {PIS}, contribuinte individual.",
    "Escreva para {EMAIL}, com cópia para {EMAIL}.",
    "Telefones úteis: {PHONE}, {PHONE} e {PHONE}.",
    "Falar com {NAME} no ramal ou pelo celular {PHONE}.",
    "Testemunhas: 1) {NAME}, CPF: {CPF}; 2) {NAME}, CPF: {CPF}.",
    "Assinado eletronicamente por {NAME}:{CPFBARE} em 05/11/2024 14:32:10 -03:00.",
    "RG: {RG}\nCPF: {CPF}\nDATA DE NASCIMENTO: 12/03/1978",
    "Requerente: {NAME}; CPF n.º {CPF}; RG n.º {RG}; tel.: {PHONE}; e-mail: {EMAIL}",
    "Agravo de Instrumento nº {CNJ}, relator o desembargador {NAME}.",
    "Protocolo {NUP}, volume 2, fl. 45-verso; apenso {NUP}.",
    "Emenda Constitucional nº 103, de 12 de novembro de 2019; art. 5º, LXXIX; Súmula 331 do TST.",
    "Cód. município {IBGE}; CNES {IBGE}; INEP 31{SIX}.",
    "Ordem bancária 2024OB{SIX}; documento hábil 2024NP{SIX}; PTRES {SIX}.",
    "Código de barras {NFE}; lote L{SIX}; validade 12/2026.",
    "Boleto {BOLETO}, vencimento em 10/12/2024.",
    "Consta CPF {BADCPF}, que não passa na validação, e CNPJ {BADCNPJ}, inexistente.",
    "Altura 1,72 m; peso 68,500 kg; PA 120/80 mmHg; CID F41.1; leito 204-B; hora 23:59:59.",
    "Matrícula do imóvel {SIX}, livro 2-AB, folha 123, cartório do 1º ofício.",
    "Turma 2023-2024, carga de 1.200 horas, 75% de frequência, nota 8,75, 3.500 alunos.",
    "Registro nº {ANVISA}; bula 1234567890; nota técnica 45/2023-CGTI; norma ABNT NBR 15.575-1:2013.",
    "Saldo anterior 12.345.678,90; saldo atual 23.456.789,01; variação de 0,0345.",
];

const FIRST: [&str; 8] = [
    "Aparecida",
    "Sebastião",
    "Conceição",
    "Wellington",
    "Íris",
    "Raimundo",
    "Thaís",
    "Geraldo",
];
const LAST: [&str; 8] = [
    "Figueiredo",
    "dos Santos",
    "Guimarães",
    "Teixeira",
    "de Araújo",
    "Brandão",
    "Pacheco Neto",
    "Lima e Silva",
];

impl Writer<'_> {
    fn fill(&mut self, set: Set) {
        for _ in 0..16 + self.random.below(8) {
            let frame = match set {
                Set::Open => self.random.of(&OPEN),
                Set::Closed => self.random.of(&CLOSED),
            };
            self.frame(frame);
            let end = self.random.of(&["\n", "\n", "\n\n", " "]);
            self.push(end);
        }
    }

    fn push(&mut self, text: &str) {
        self.page.text.push_str(text);
        self.at += text.chars().count();
    }

    fn frame(&mut self, mut rest: &str) {
        while let Some((before, after)) = rest.split_once('{') {
            self.push(before);
            let (slot, after) = after.split_once('}').unwrap_or((after, ""));
            self.slot(slot);
            rest = after;
        }
        self.push(rest);
    }

    fn slot(&mut self, slot: &str) {
        let kind = match slot {
            "CPFBARE" => Some(Cpf),
            _ => PersonalKind::ALL.into_iter().find(|kind| kind.as_str() == slot),
        };
        let Some(kind) = kind else {
            let text = self.decoy(slot);
            return self.push(&text);
        };
        let text = match slot {
            "CPFBARE" => {
                let digits = cpf(self.random);
                filled("ddddddddddd", &digits)
            }
            _ => self.value(kind),
        };
        let text = if self.is_scanned { self.noisy(&text) } else { text };
        let start = self.at;
        self.push(&text);
        self.page.values.push((kind, start, self.at));
    }

    fn value(&mut self, kind: PersonalKind) -> String {
        let (signs, forms): (Vec<u8>, &[&str]) = match kind {
            Cpf => (
                cpf(self.random),
                &[
                    "ddd.ddd.ddd-dd",
                    "ddd.ddd.ddd-dd",
                    "ddddddddddd",
                    "dddddddddd-d",
                    "ddd.ddd.ddd.dd",
                    "ddd.ddd.ddd/dd",
                    "ddd.ddd.ddd - dd",
                    "ddddddddd-dd",
                ],
            ),
            Cnpj => (
                cnpj(self.random),
                &[
                    "dd.ddd.ddd/dddd-dd",
                    "dd.ddd.ddd/dddd-dd",
                    "dddddddddddddd",
                    "dd.ddd.ddd/dddd.dd",
                    "dddddddd/dddd-dd",
                    "dd.ddd.ddd / dddd-dd",
                ],
            ),
            Pis => (
                pis(self.random),
                &["ddd.ddddd.dd-d", "ddd.dddd.ddd-d", "dddddddddd-d", "ddddddddddd"],
            ),
            Rg => (
                self.random.signs(9),
                &[
                    "MG-dd.ddd.ddd",
                    "MG dd.ddd.ddd",
                    "MGdd.ddd.ddd",
                    "dd.ddd.ddd-d",
                    "dddddddd-d",
                    "d.ddd.ddd",
                    "M-d.ddd.ddd",
                    "dd.ddd.ddd-X",
                    "dddddddd",
                ],
            ),
            Email => return self.email(),
            Phone => (
                self.random.signs(8),
                &[
                    "(35) 3ddd-dddd",
                    "(11) 99ddd-dddd",
                    "(035) 3ddd.dddd",
                    "35 3ddd-dddd",
                    "35-3ddd-dddd",
                    "(31)9.9ddd-dddd",
                    "+55 (35) 9 9ddd-dddd",
                    "0800 7ddd ddd",
                    "(38)99ddddddd",
                    "35.99ddd.dddd",
                    "(21) 2ddd dddd",
                    "35 9 9ddd dddd",
                    "99ddd-dddd",
                ],
            ),
            Cep => (
                self.random.signs(8),
                &["ddddd-ddd", "dd.ddd-ddd", "ddddd – ddd", "ddddd-ddd"],
            ),
            Card => (
                card(self.random),
                &[
                    "dddd dddd dddd dddd",
                    "dddd.dddd.dddd.dddd",
                    "dddddddddddddddd",
                    "dddd-dddd-dddd-dddd",
                ],
            ),
            Account => (
                self.random.signs(8),
                &[
                    "dddddd-d",
                    "dd.ddd-d",
                    "ddd.ddd-d",
                    "ddddd-X",
                    "000ddddd-d",
                    "dddddddd",
                ],
            ),
            Agency => (self.random.signs(5), &["dddd-d", "dddd", "dddd-X", "0ddd"]),
            Plate => {
                let letters = self.random.of(&["HNX", "PUK", "GVC", "QOB", "RFA"]);
                let middle = self.random.of(&["A", "D", "J"]);
                let signs = self.random.signs(4);
                let form = self.random.of(&[
                    "LLL-dddd", "LLLdddd", "LLL dddd", "LLLdMdd", "LLL-dMdd", "LLL dMdd",
                ]);
                let form = form.replace("LLL", letters).replace('M', middle);
                return filled(&form, &signs);
            }
        };
        let form = self.random.of(forms);
        filled(form, &signs)
    }

    fn email(&mut self) -> String {
        let user = self.random.of(&[
            "ze.pacheco",
            "thais_brandao88",
            "gabinete",
            "r.h",
            "iris-lima",
            "SEBASTIAO.NETO",
            "compras+sul",
        ]);
        let host = self.random.of(&[
            "ufla.example.br",
            "prefeitura-lavras.mg.gov.br",
            "correio.gov.br",
            "exemplo.com.br",
            "MAIL.EXAMPLE.ORG",
            "saude.sp.gov.br",
        ]);
        format!("{user}@{host}")
    }

    fn decoy(&mut self, slot: &str) -> String {
        let signs = self.random.signs(48);
        match slot {
            "NAME" => format!("{} {}", self.random.of(&FIRST), self.random.of(&LAST)),
            "CNJ" => cnj(&signs),
            "NUP" => {
                let form = self.random.of(&[
                    "23090.dddddd/2024-dd",
                    "00190.dddddd/2023-dd",
                    "23090dddddd202411",
                    "1260.01.00ddddd/2023-dd",
                ]);
                filled(form, &signs)
            }
            "IBGE" => filled("31ddddd", &signs),
            "SIX" => filled("dddddd", &signs),
            "TWELVE" => filled("dddddddddddd", &signs),
            "ANVISA" => filled("1.dddd.dddd.ddd-d", &signs),
            "NFE" => filled(&"d".repeat(44), &signs),
            "BOLETO" => filled("ddddd.ddddd ddddd.dddddd ddddd.dddddd d dddddddddddddd", &signs),
            "BADCPF" => {
                let mut wrong = cpf(self.random);
                wrong[9] = b'0' + (wrong[9] - b'0' + 3) % 10;
                filled("ddd.ddd.ddd-dd", &wrong)
            }
            "BADCNPJ" => {
                let mut wrong = cnpj(self.random);
                wrong[12] = b'0' + (wrong[12] - b'0' + 3) % 10;
                filled("dd.ddd.ddd/dddd-dd", &wrong)
            }
            other => other.to_owned(),
        }
    }

    /// What a scan makes of one value in three.
    fn noisy(&mut self, value: &str) -> String {
        if self.random.below(3) > 0 {
            return value.to_owned();
        }
        let chars: Vec<char> = value.chars().collect();
        let separators: Vec<usize> = (1..chars.len().saturating_sub(1))
            .filter(|&at| !chars[at].is_alphanumeric() && chars[at] != ' ')
            .collect();
        let digits: Vec<usize> = (0..chars.len())
            .filter(|&at| matches!(chars[at], '0' | '1' | '5' | '8'))
            .collect();
        let fault = self.random.below(6);
        let mut noisy = chars.clone();
        match fault {
            // A digit read as the letter that looks like it.
            0 if !digits.is_empty() => {
                let at = digits[self.random.below(digits.len())];
                noisy[at] = match chars[at] {
                    '0' => 'O',
                    '1' => 'l',
                    '5' => 'S',
                    _ => 'B',
                };
            }
            // Space where type is wide.
            1 if !separators.is_empty() => {
                noisy.insert(separators[self.random.below(separators.len())] + 1, ' ')
            }
            2 if !separators.is_empty() => noisy.insert(separators[self.random.below(separators.len())], ' '),
            // A line that ends within.
            3 if !separators.is_empty() => {
                noisy.insert(separators[self.random.below(separators.len())] + 1, '\n')
            }
            // A point that was not seen, or seen as a comma.
            4 if !separators.is_empty() => {
                noisy.remove(separators[self.random.below(separators.len())]);
            }
            5 => {
                if let Some(&at) = separators.iter().find(|&&at| chars[at] == '.') {
                    noisy[at] = ',';
                }
            }
            _ => {}
        }
        noisy.into_iter().collect()
    }
}

/// A court's number with its check digits (CNJ's Resolução 65, ISO 7064 mod 97-10).
fn cnj(signs: &[u8]) -> String {
    let number = String::from_utf8_lossy(&signs[..7]).into_owned();
    let origin = String::from_utf8_lossy(&signs[7..11]).into_owned();
    let whole = format!("{number}2024813{origin}00");
    let rest = whole
        .bytes()
        .fold(0_u64, |rest, sign| (rest * 10 + u64::from(sign - b'0')) % 97);
    format!("{number}-{:02}.2024.8.13.{origin}", 98 - rest)
}
