/**
 * The painter's reading of a prompt, with the place of each phrase in the text. A port of `shared/vocabulary/phrases.py`;
 * `tests/readings.json` holds examples that the painter itself has read.
 */

export interface Vocabulary {
  axes: Record<string, Record<string, string[]>>;
  homes: Record<string, string>;
  shown: Record<string, string[]>;
  languages: Record<string, Record<string, Record<string, string[]>>>;
  near: Record<string, string[]>;
  negations: string[];
  longestPhrase: number;
  grammar: Record<string, Partial<Grammar>>;
}

interface Grammar {
  function: string[];
  negations: string[];
  negations_after: string[];
  endings: string[];
  tails: string[];
  compounds: boolean;
  nounFirst: boolean;
}

/** A phrase at `start`..`end` of the text. Without meanings the painter does not know it. */
export interface Phrase {
  text: string;
  start: number;
  end: number;
  known: boolean;
  meanings: Meanings;
  negated: boolean;
  near: string | null;
}

export interface Reading {
  phrases: Phrase[];
  understood: string[];
  notUnderstood: string[];
  readAs: Record<string, string>;
}

/** The axis and the name of each meaning of a phrase, for example `["palette/red"]`. */
type Meanings = readonly string[];

const NOTHING: Meanings = [];
const BESIDE = /^(?:\s*(?:(?:and|und|y|e|et)\s+)?|\s*[的のい色]*)$/; // what may separate an adjective from its noun
const LATIN = ["de", "es", "fr"];
const UNSPACED = /[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+/g;
const KANA = /[\u3040-\u30ff]/;
const ASCII_WORD = /[a-z]+(?:-[a-z]+)*/g;
const WORD = /\p{L}+(?:-\p{L}+)*/gu;
const WORD_WITH_APOSTROPHES = /\p{L}+(?:[-'’]\p{L}+)*/gu;
const LONGEST_UNSPACED = 12; // maximum number of characters of a phrase in Chinese or Japanese
const SHORTEST_STEM = 3;
const SHORTEST_TAIL = 4;
const LONGEST_COMPOUND = 40;

/** Return the word in lower case without accents. */
function folded(word: string): string {
  const apart = word.toLowerCase().replaceAll("ß", "ss").replaceAll("œ", "oe").normalize("NFKD");
  return apart.replaceAll(/\p{M}/gu, "");
}

function singulars(phrase: string): string[] {
  const forms = [phrase];
  if (phrase.endsWith("ies")) forms.push(`${phrase.slice(0, -3)}y`);
  if (phrase.endsWith("es")) forms.push(phrase.slice(0, -2));
  if (phrase.endsWith("s")) forms.push(phrase.slice(0, -1));
  return forms;
}

interface Word {
  text: string;
  start: number;
  end: number;
}

function wordsOf(text: string, pattern: RegExp): Word[] {
  return [...text.matchAll(pattern)].map((match) => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** Add one more meaning of a phrase. */
function addMeaning(lexicon: Map<string, Meanings>, phrase: string, axis: string, name: string): void {
  lexicon.set(phrase, [...(lexicon.get(phrase) ?? NOTHING), `${axis}/${name}`]);
}

class Language {
  readonly lexicon = new Map<string, Meanings>();
  readonly function: Set<string>;
  readonly negations: Set<string>;

  constructor(
    axes: Record<string, Record<string, string[]>>,
    readonly grammar: Partial<Grammar>,
    spaced: boolean,
  ) {
    const fold = spaced ? folded : (word: string) => word;
    this.negations = new Set((grammar.negations ?? []).map(fold));
    this.function = new Set([...(grammar.function ?? []).map(fold), ...this.negations]);
    for (const [axis, meanings] of Object.entries(axes)) {
      for (const [name, phrases] of Object.entries(meanings)) {
        const stems = phrases.map((phrase) =>
          spaced ? this.stems(phrase.replaceAll("'", " ").split(/\s+/)) : phrase.toLowerCase(),
        );
        for (const phrase of new Set(stems)) addMeaning(this.lexicon, phrase, axis, name);
      }
    }
  }

  meaningsOf(words: string[]): Meanings {
    return this.lexicon.get(this.stems(words)) ?? NOTHING;
  }

  /** Return the meanings of a compound, and the only part of it that is known, or null if both are. */
  compound(word: string): { meanings: Meanings; near: string | null } {
    const plain = this.grammar.compounds && word.length <= LONGEST_COMPOUND ? folded(word) : "";
    for (let cut = SHORTEST_STEM; cut <= plain.length - SHORTEST_TAIL; cut++) {
      const [head, tail] = [plain.slice(0, cut), plain.slice(cut)];
      const [last, first] = [this.meaningsOf([tail]), this.meaningsOfFirstPart(head)];
      if (last.length) return { meanings: [...last, ...first], near: first.length ? null : tail };
      if (first.length && this.grammar.tails?.includes(tail)) return { meanings: first, near: head };
    }
    return { meanings: NOTHING, near: null };
  }

  private meaningsOfFirstPart(head: string): Meanings {
    const links = ["s", "n", "en", "es"].filter((link) => head.endsWith(link)).map((link) => head.slice(0, -link.length));
    return [head, ...links].map((link) => this.meaningsOf([link])).find((meanings) => meanings.length) ?? NOTHING;
  }

  private stems(words: string[]): string {
    return words.map((word) => this.stem(word)).join(" ");
  }

  private stem(word: string): string {
    const plain = folded(word);
    const ending = this.grammar.endings?.find(
      (one) => plain.endsWith(one) && plain.length - one.length >= SHORTEST_STEM,
    );
    return ending ? plain.slice(0, -ending.length) : plain;
  }
}

export class Painter {
  private readonly english = new Map<string, Meanings>();
  private readonly function: Set<string>;
  private readonly negations: Set<string>;
  private readonly near = new Map<string, string>();
  private readonly languages = new Map<string, Language>();

  constructor(private readonly vocabulary: Vocabulary) {
    for (const [axis, meanings] of Object.entries(vocabulary.axes)) {
      for (const [name, words] of Object.entries(meanings)) {
        for (const word of words) addMeaning(this.english, word, axis, name);
      }
    }
    for (const [phrase, words] of Object.entries(vocabulary.near)) for (const word of words) this.near.set(word, phrase);
    this.negations = new Set(vocabulary.negations);
    this.function = new Set([...(vocabulary.grammar.en?.function ?? []), ...this.negations]);
    for (const [code, axes] of Object.entries(vocabulary.languages)) {
      this.languages.set(code, new Language(axes, vocabulary.grammar[code] ?? {}, LATIN.includes(code)));
    }
  }

  read(prompt: string): Reading {
    const phrases = this.phrases(prompt);
    const painted = phrases.filter((phrase) => phrase.known && !phrase.negated);
    const once = (found: Phrase[]) => [...new Set(found.map((phrase) => phrase.text))];
    return {
      phrases,
      understood: once(painted.filter((phrase) => phrase.near === null)),
      notUnderstood: once(phrases.filter((phrase) => !phrase.known)),
      readAs: Object.fromEntries(painted.flatMap(({ text, near }) => (near === null ? [] : [[text, near]]))),
    };
  }

  private phrases(prompt: string): Phrase[] {
    // Compatibility forms change the length of rare texts only; then nothing is marked in the wrong place by much.
    const text = prompt.normalize("NFKC").toLowerCase();
    const spaced = text.replaceAll(UNSPACED, (run) => " ".repeat(run.length));
    let best = this.inEnglish(spaced);
    let nounFirst = false;
    const unknown = (phrases: Phrase[]) => phrases.filter((phrase) => !phrase.known).length;
    if (unknown(best)) {
      for (const code of LATIN) {
        const language = this.languages.get(code);
        const reading = language ? this.inLanguage(spaced, language) : best;
        if (unknown(reading) < unknown(best)) [best, nounFirst] = [reading, language?.grammar.nounFirst ?? false];
      }
    }
    const order = (KANA.test(text) ? ["ja", "zh"] : ["zh", "ja"]).flatMap((code) => this.languages.get(code) ?? []);
    const runs = wordsOf(text, UNSPACED).flatMap((run) => divided(run, order));
    const all = this.shown([...best, ...runs].sort((one, other) => one.start - other.start));
    return all.map((phrase, index) =>
      isColour(phrase) && isOfUnknown(all, index, text, nounFirst) ? { ...phrase, known: false } : phrase,
    );
  }

  /** Turn the things that the place of the phrases cannot show into unknown words. */
  private shown(phrases: Phrase[]): Phrase[] {
    const { homes, shown } = this.vocabulary;
    const painted = phrases.filter((phrase) => !phrase.negated);
    const things = painted.flatMap((phrase) => namesOf(phrase, "accents"));
    const named = painted.flatMap((phrase) => namesOf(phrase, "place"));
    const places = named.length ? named : things.flatMap((thing) => homes[thing] ?? []);
    const place = places.find((one) => things.every((thing) => shown[one]?.includes(thing))) ?? places[0];
    return phrases.map((phrase) => {
      const others = phrase.meanings.filter((meaning) => !/^(palette|accents)\//.test(meaning));
      const accents = namesOf(phrase, "accents");
      const isHidden = place !== undefined && accents.length > 0 && !accents.some((one) => shown[place]?.includes(one));
      return isHidden && !others.length && !phrase.negated
        ? { ...phrase, known: false, meanings: NOTHING, near: null }
        : phrase;
    });
  }

  private meaningsOf(words: string[]): Meanings {
    return singulars(words.join(" ")).map((form) => this.english.get(form)).find((meanings) => meanings) ?? NOTHING;
  }

  private inEnglish(sentence: string): Phrase[] {
    const words = wordsOf(sentence, ASCII_WORD);
    const found = this.matches(words, (part) => this.meaningsOf(part)).map(({ first, last, span, meanings }) => ({
      ...span,
      known: true,
      meanings,
      negated: first > 0 && this.negations.has(words[first - 1]?.text ?? ""),
      near: null as string | null,
      text: words.slice(first, last).map((word) => word.text).join(" "),
    }));
    const covers = (word: Word) => found.some(({ start, end }) => start < word.end && word.start < end);
    const others: Phrase[] = [];
    let before = "";
    for (const word of wordsOf(sentence, WORD_WITH_APOSTROPHES)) {
      if (!covers(word) && !this.function.has(word.text)) {
        const near = singulars(word.text).map((form) => this.near.get(form)).find((one) => one !== undefined) ?? null;
        const meanings = near === null ? NOTHING : this.meaningsOf([near]);
        others.push({ ...word, known: near !== null, meanings, negated: this.negations.has(before), near });
      }
      before = word.text;
    }
    return [...found, ...others].sort((one, other) => one.start - other.start);
  }

  private inLanguage(sentence: string, language: Language): Phrase[] {
    const words = wordsOf(sentence, WORD);
    const isFunction = (word: string) => language.function.has(folded(word));
    const meaningsOf = (part: string[]) => {
      if (part.length === 1 && isFunction(part[0] ?? "")) return NOTHING;
      const meanings = language.meaningsOf(part);
      return meanings.length ? meanings : this.meaningsOf(part);
    };
    const matches = this.matches(words, meaningsOf);
    const found: Phrase[] = [];
    let at = 0;
    for (const match of [...matches, null]) {
      for (const [offset, word] of words.slice(at, match?.first ?? words.length).entries()) {
        if (isFunction(word.text)) continue;
        const { meanings, near } = language.compound(word.text);
        const negated = isNegated(words, at + offset, language);
        found.push({ ...word, meanings, near, known: meanings.length > 0, negated });
      }
      if (!match) break;
      const { first, last, span, meanings } = match;
      const text = words.slice(first, last).map((word) => word.text).join(" ");
      found.push({ ...span, text, known: true, meanings, near: null, negated: isNegated(words, first, language) });
      at = last;
    }
    return found;
  }

  /** Return the phrases with the index of their first and the index after their last word. The longest phrase wins. */
  private matches(words: Word[], meaningsOf: (part: string[]) => Meanings) {
    const found: { first: number; last: number; span: { start: number; end: number }; meanings: Meanings }[] = [];
    for (let position = 0; position < words.length; ) {
      let length = Math.min(this.vocabulary.longestPhrase, words.length - position);
      let meanings = NOTHING;
      for (; length > 0; length--) {
        meanings = meaningsOf(words.slice(position, position + length).map((word) => word.text));
        if (meanings.length) break;
      }
      const [first, last] = [words[position], words[position + length - 1]];
      if (length > 0 && first && last) {
        found.push({ first: position, last: position + length, span: { start: first.start, end: last.end }, meanings });
      }
      position += Math.max(1, length);
    }
    return found;
  }
}

/** Return the names of the meanings that are of an axis. */
function namesOf(phrase: Phrase, axis: string): string[] {
  return phrase.meanings.filter((meaning) => meaning.startsWith(`${axis}/`)).map((meaning) => meaning.slice(axis.length + 1));
}

function isOf(phrase: Phrase, ...axes: string[]): boolean {
  return axes.some((axis) => namesOf(phrase, axis).length > 0);
}

function isColour(phrase: Phrase): boolean {
  return phrase.meanings.length === 1 && isOf(phrase, "palette") && !phrase.negated;
}

/** Return whether the colour at `index` describes a word that the painter does not know. */
function isOfUnknown(phrases: Phrase[], index: number, text: string, nounFirst: boolean): boolean {
  const steps = nounFirst ? [-1, 1] : [1];
  return steps.map((step) => nounBeside(phrases, index, step, text)).find((noun) => noun)?.known === false;
}

/** Return the noun beside the phrase: the first known thing, otherwise the last unknown word. */
function nounBeside(phrases: Phrase[], index: number, step: number, text: string): Phrase | null {
  let noun: Phrase | null = null;
  for (let at = index; ; at += step) {
    const [phrase, next] = [phrases[at], phrases[at + step]];
    if (!phrase || !next) return noun;
    const [first, second] = step > 0 ? [phrase, next] : [next, phrase];
    if (!BESIDE.test(text.slice(first.end, second.start))) return noun;
    if (isOf(next, "place", "accents")) return next;
    if (!isOf(next, "palette", "mood", "style")) noun = next;
  }
}

/** Return whether a negation precedes the word, directly or with a function word between ("pas de neige"). */
function isNegated(words: Word[], index: number, language: Language): boolean {
  const before = words.slice(Math.max(0, index - 2), index).map((word) => folded(word.text));
  const [last, first] = [before.at(-1) ?? "", before[0] ?? ""];
  return language.negations.has(last) || (language.function.has(last) && language.negations.has(first));
}

/** Divide a text without spaces by the longest match. */
function divided(run: Word, languages: Language[]): Phrase[] {
  const first = languages[0];
  if (!first) return [];
  const found: Phrase[] = [];
  const add = (start: number, end: number, meanings: Meanings, negated = false) => {
    if (start === end) return;
    const [text, known] = [run.text.slice(start, end), meanings.length > 0];
    found.push({ text, start: run.start + start, end: run.start + end, known, meanings, negated, near: null });
  };
  let [at, unknown, negated] = [0, 0, false];
  while (at < run.text.length) {
    let length = Math.min(LONGEST_UNSPACED, run.text.length - at);
    let meanings = NOTHING;
    for (; length > 0; length--) {
      const part = run.text.slice(at, at + length);
      meanings = languages.map((language) => language.lexicon.get(part)).find((found) => found) ?? NOTHING;
      if (meanings.length || first.function.has(part)) break;
    }
    if (length === 0) {
      at += 1;
      negated = false;
      continue;
    }
    add(unknown, at, NOTHING);
    const end = at + length;
    const rest = run.text.slice(end);
    const isDenied = negated || (first.grammar.negations_after ?? []).some((one) => rest.startsWith(one));
    if (meanings.length) add(at, end, meanings, isDenied);
    negated = first.negations.has(run.text.slice(at, end));
    at = unknown = end;
  }
  add(unknown, at, NOTHING);
  return found;
}
