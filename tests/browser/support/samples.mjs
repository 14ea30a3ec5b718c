// Documents of a town that does not exist, as its clerks would have them.

import { pdf } from "./pdf.mjs";

export const contract = {
  name: "contrato-014-2024.pdf",
  type: "application/pdf",
  title: "Contrato nº 014/2024 – Reforma da Escola Municipal Monte Alegre",
  make: () => pdf([
    [
      { title: "CONTRATO Nº 014/2024" },
      "Contrato de execução de obra que entre si celebram o Município de Vila Serena e a empresa Construtora Horizonte Ltda., para a reforma da Escola Municipal Monte Alegre.",
      { heading: "CLÁUSULA PRIMEIRA – DO OBJETO" },
      "O presente contrato tem por objeto a reforma geral da Escola Municipal Monte Alegre, com troca do telhado, pintura interna e externa, adequação dos banheiros e construção de rampa de acesso, conforme o projeto básico anexo.",
      { heading: "CLÁUSULA SEGUNDA – DO PREÇO" },
      "O preço total da obra é de R$ 1.284.500,00 (um milhão, duzentos e oitenta e quatro mil e quinhentos reais), fixo e irreajustável pelo período de doze meses.",
      { heading: "CLÁUSULA TERCEIRA – DO PRAZO" },
      "A obra será executada no prazo de 180 (cento e oitenta) dias corridos, contados da emissão da ordem de serviço, podendo ser prorrogado mediante justificativa aceita pela fiscalização.",
    ],
    [
      { heading: "CLÁUSULA QUARTA – DAS PENALIDADES" },
      "O atraso injustificado na execução da obra sujeitará a contratada à multa de mora de 0,5% (meio por cento) por dia de atraso, calculada sobre o valor da parcela em atraso, até o limite de 10% (dez por cento).",
      "A inexecução total do contrato sujeitará a contratada à multa de 20% (vinte por cento) sobre o valor total, sem prejuízo da rescisão e da suspensão do direito de licitar por até dois anos.",
      { heading: "CLÁUSULA QUINTA – DA GARANTIA" },
      "A contratada responde pela solidez e segurança da obra durante cinco anos, contados do recebimento definitivo, nos termos do artigo 618 do Código Civil.",
      { heading: "CLÁUSULA SEXTA – DA FISCALIZAÇÃO" },
      "A fiscalização caberá à Secretaria Municipal de Obras, que designará engenheiro responsável para acompanhar as medições mensais e atestar as notas fiscais.",
    ],
    [
      { heading: "CLÁUSULA SÉTIMA – DO PAGAMENTO" },
      "O pagamento será efetuado em até 30 (trinta) dias após a apresentação da nota fiscal atestada pelo fiscal do contrato, mediante depósito em conta bancária da contratada.",
      "Nenhum pagamento isenta a contratada de suas responsabilidades, nem implica aceitação definitiva dos serviços.",
      { heading: "CLÁUSULA OITAVA – DO FORO" },
      "Fica eleito o foro da Comarca de Vila Serena para dirimir as questões oriundas deste contrato.",
    ],
  ], { title: "Contrato nº 014/2024 – Reforma da Escola Municipal Monte Alegre" }),
};

export const notice = {
  name: "edital-pregao-007-2024.pdf",
  type: "application/pdf",
  title: "Edital do Pregão Eletrônico nº 007/2024 – Merenda escolar",
  make: () => pdf([
    [
      { title: "EDITAL – PREGÃO ELETRÔNICO Nº 007/2024" },
      "A Prefeitura Municipal de Vila Serena torna público que realizará licitação, na modalidade pregão eletrônico, para a aquisição de gêneros alimentícios destinados à merenda escolar.",
      { heading: "1. DA ABERTURA" },
      "A sessão pública será aberta no dia 12 de março de 2024, às nove horas, horário de Brasília, no portal de compras do município.",
      { heading: "2. DA PARTICIPAÇÃO" },
      "Poderão participar as empresas do ramo que atendam às exigências de habilitação. Trinta por cento do valor será destinado à compra de produtos da agricultura familiar.",
      { heading: "3. DA ENTREGA" },
      "Os alimentos perecíveis serão entregues duas vezes por semana, às segundas e quintas-feiras, diretamente nas escolas, até as sete horas da manhã.",
    ],
    [
      { heading: "4. DAS AMOSTRAS" },
      "A empresa vencedora apresentará amostras dos produtos em até três dias úteis, para análise da nutricionista responsável.",
      { heading: "5. DOS RECURSOS" },
      "Declarado o vencedor, qualquer licitante poderá manifestar a intenção de recorrer, de forma imediata e motivada, com prazo de três dias úteis para apresentar as razões do recurso.",
    ],
  ], { title: "Edital do Pregão Eletrônico nº 007/2024 – Merenda escolar" }),
};

export const law = {
  name: "lei-1832-licenca.md",
  type: "text/markdown",
  title: "Lei nº 1.832/2019 – Estatuto dos servidores",
  make: () => Buffer.from([
    "# Lei nº 1.832/2019 – Estatuto dos servidores",
    "",
    "## Capítulo III – Das licenças",
    "",
    "Art. 41. A servidora gestante terá direito a licença de 180 (cento e oitenta) dias, sem prejuízo da remuneração.",
    "",
    "Art. 42. O servidor terá direito a licença-paternidade de 20 (vinte) dias consecutivos, contados do nascimento ou da adoção.",
    "",
    "## Capítulo IV – Das férias",
    "",
    "Art. 47. O servidor fará jus a trinta dias de férias por ano, que podem ser acumuladas até o máximo de dois períodos, no caso de necessidade do serviço.",
    "",
    "Art. 48. As férias podem ser divididas em até três etapas, desde que assim requeridas pelo servidor:",
    "",
    "- uma etapa não pode ser menor que catorze dias;",
    "- as demais não podem ser menores que cinco dias;",
    "- o adicional de um terço é pago na primeira etapa.",
  ].join("\n")),
};

export const minutes = {
  name: "ata-conselho-saude-maio.txt",
  type: "text/plain",
  title: "ata-conselho-saude-maio",
  make: () => Buffer.from([
    "Ata da reunião do Conselho Municipal de Saúde de Vila Serena",
    "",
    "Aos quinze dias do mês de maio de 2024, reuniram-se os conselheiros na sede da Secretaria Municipal de Saúde.",
    "Foi aprovada por unanimidade a ampliação do horário da Unidade Básica do Bairro Novo, que passa a atender até as vinte e uma horas.",
    "O conselheiro João Batista pediu esclarecimentos sobre a falta de vacina contra a febre amarela; a secretária informou que o estoque seria reposto em dez dias.",
  ].join("\n")),
};

export const samples = [contract, notice, law, minutes];
