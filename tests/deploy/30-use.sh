#!/usr/bin/env bash
# Documents go in and are found, through nginx over TLS; what each container uses at rest and under load.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

memory_table >"$work/memory-at-rest.txt"
say "memory at rest:" && sed 's/^/        /' "$work/memory-at-rest.txt"

pdf=$work/contract.pdf
# A PDF of one page, written here: what is found must come from reading it in the sandboxed child, in this container.
python3 - "$pdf" <<'PY'
import sys, time
lines = ["Contrato de vigilancia do mercado municipal", "A multa por atraso e de 2 por cento ao dia, ate o limite de 20 por cento.",
         "O prazo de entrega das lampadas e de quarenta e cinco dias.", f"Processo {time.time_ns()}."]
text = "BT /F1 12 Tf 72 720 Td 18 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
objects = ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
           "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
           f"<< /Length {len(text)} >>\nstream\n{text}\nendstream", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
out, places = b"%PDF-1.4\n", []
for number, body in enumerate(objects, 1):
    places.append(len(out))
    out += f"{number} 0 obj\n{body}\nendobj\n".encode()
table = len(out)
out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n".encode()
open(sys.argv[1], "wb").write(out)
PY
document=$(upload "$pdf")
wait_for 60 "a PDF is read in the sandbox of its container" is_in_state "$document" completed
holds "it is found by its words" finds "multa por atraso" "$document"
meaning=$(api /api/v1/documents/search --json "{\"query\":\"quanto se paga quando a obra demora\",\"document_ids\":[\"$document\"]}")
equals "it is found by its meaning" True "$(json 'it["results"][0]["similarity_score"] > 0' <<<"$meaning")"
answer=$(api /api/v1/chat/ask --json '{"message":"Qual é o prazo de entrega das lâmpadas?"}')
contains "a question is answered with its source" 'quarenta e cinco dias' "$answer"
printf '%s\n' "$document" >"$work/document"

# Load: many documents at once, and searches while they are read.
documents=${DEPLOY_TEST_DOCUMENTS:-100}
mkdir -p "$work/many"
python3 - "$work/many" "$documents" <<'PY'
import random, sys
random.seed(7)
words = ("contrato obra multa prazo licitação município secretaria fornecedor edital proposta orçamento serviço entrega "
         "pagamento vigência garantia fiscal parecer anexo cláusula material limpeza merenda transporte escolar iluminação").split()
for number in range(int(sys.argv[2])):
    paragraphs = [" ".join(random.choices(words, k=90)).capitalize() + "." for _ in range(12)]
    with open(f"{sys.argv[1]}/documento-{number:04d}.md", "w") as out:
        out.write(f"# Processo {number:04d} sobre {random.choice(words)}\n\n" + "\n\n".join(paragraphs) + "\n")
PY
# Real files beside them, hostile ones too, where the test data is; without the one of 10,000 pages, which takes minutes.
[ ! -d "$corpus" ] || find "$corpus" -type f \( -name '*.pdf' -o -name '*.docx' -o -name '*.html' \) -size -8M ! -name 'pages-10000.pdf' -exec cp {} "$work/many/" \;

names=()
for id in $(all_containers); do
    name=$(docker inspect --format '{{.Name}}' "$id")
    names+=("${name#"/${project}_"}=$(docker inspect --format '{{.Id}}' "$id")")
done
python3 "$repository/tests/deploy/memory_peak.py" "${names[@]}" >"$work/memory-under-load.txt" &
watcher=$!
begin=$SECONDS
# What is empty is refused at the door, which is no failure here.
# shellcheck disable=SC2016 # for the inner shell
find "$work/many" -type f -print0 | xargs -0 -P 6 -n 1 bash -c '
    . "$0/tests/deploy/lib.sh"
    upload "$1" || [[ $1 != *.md ]]' "$repository" >"$work/uploaded" 2>"$work/refused"
holds "all $documents uploads were taken" test "$(wc -l <"$work/uploaded")" -ge "$documents"
unfinished() {
    api /api/v1/queue/info | json 'sum(q["length"] + q["started_count"] for q in it["queues"] if q["name"] == "document_processing")'
}
while [ "$(unfinished)" -gt 0 ]; do
    [ "$((SECONDS - begin))" -lt 900 ] || fail "$documents documents were not processed in fifteen minutes"
    finds "multa por atraso na entrega da merenda" "$document" || true
done
took=$((SECONDS - begin))
kill "$watcher"
wait "$watcher"
say "$(wc -l <"$work/uploaded") documents were searchable, embeddings too, after $took s; the most that each container used:"
sed 's/^/        /' "$work/memory-under-load.txt"
together=$(sed -n 's/^together, at one moment *\([0-9]*\) MiB/\1/p' "$work/memory-under-load.txt")
holds "the stack under load stays below 2,560 MiB of the 4 GB" test "$together" -lt 2560
connections=$(cloud_sql "select count(*) from pg_stat_activity where usename = 'ids'")
holds "PostgreSQL has $connections connections, of 22" test "$connections" -le 22
killed=$(for id in $(all_containers); do docker inspect --format '{{.State.OOMKilled}} {{.RestartCount}}' "$id"; done | sort -u)
equals "no container was killed or started again" 'false 0' "$killed"
