/**
 * A long run of made-up queries against the responder: `npm run fuzz -- --seconds 600 --seed 7`. Prints what it found and
 * ends with 1 where that is anything. `--corpus` adds queries that lead to new kinds of replies to the corpus of the tests.
 */
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { AnswerFuzzer, type Finding } from '../test/fuzz/answer-fuzzer.ts';
import { CORPUS_FILE, kindOf, readCorpus } from '../test/fuzz/corpus.ts';
import { QueryMaker } from '../test/fuzz/query-maker.ts';
import { seededRandom } from '../test/fuzz/random.ts';

/** Queries between two looks at the clock. */
const STRIDE = 20_000;
/** Longest query that is kept: longer ones differ by repetition. */
const KEPT_OCTETS_MAX = 400;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    corpus: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const endMs = performance.now() + Number(values.seconds) * 1000;
const fuzzer = new AnswerFuzzer(seed);
if (values.corpus) collect();
else hunt();

function hunt(): void {
  let report = fuzzer.report;
  while (performance.now() < endMs) report = fuzzer.run(STRIDE);
  console.log(
    `seed ${seed}: ${report.queries} queries, ${report.replies} replies, ${report.findings.length} findings`,
  );
  for (const finding of shortestOfEach(report.findings)) console.log(JSON.stringify(finding));
  process.exitCode = report.findings.length > 0 ? 1 : 0;
}

function shortestOfEach(findings: readonly Finding[]): Finding[] {
  const shortest = new Map<string, Finding>();
  for (const finding of findings) {
    const known = shortest.get(finding.fault);
    if (!known || finding.queryHex.length < known.queryHex.length) shortest.set(finding.fault, finding);
  }
  return [...shortest.values()];
}

/** Looks for queries whose replies are of a kind that the corpus does not have. */
function collect(): void {
  const known = new Set(readCorpus().map(({ query }) => kindOf(fuzzer.try(query))));
  const kept = new Map<string, Buffer>();
  const maker = new QueryMaker(seededRandom(seed), fuzzer.names);
  while (performance.now() < endMs) {
    const query = Buffer.from(maker.octets.subarray(0, maker.next()));
    const kind = kindOf(fuzzer.try(query));
    const before = kept.get(kind)?.length ?? KEPT_OCTETS_MAX;
    if (!known.has(kind) && query.length < before) kept.set(kind, query);
  }
  for (const query of kept.values()) appendFileSync(CORPUS_FILE, `${query.toString('hex')}\n`);
  console.log(`${kept.size} queries added`);
}
