/**
 * The painter's reading of a prompt, with the place of each phrase in the text. A port of `shared/vocabulary/phrases.py`;
 * `tests/readings.json` holds examples that the painter itself has read.
 */

export interface Vocabulary {
  axes: Record<string, Record<string, string[]>>;
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
  axes: Axes;
  negated: boolean;
  near: string | null;
}

export interface Reading {
  phrases: Phrase[];
  understood: string[];
  notUnderstood: string[];
  readAs: Record<string, string>;
}

/** The axis of each meaning of a phrase, for example `["palette"]`. */
type Axes = readonly string[];

const NO_AXES: Axes = [];
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

/** Add the axis of one more meaning of a phrase. */
function addAxis(lexicon: Map<string, Axes>, phrase: string, axis: string): void {
  lexicon.set(phrase, [...(lexicon.get(phrase) ?? NO_AXES), axis]);
}

class Language {
  readonly lexicon = new Map<string, Axes>();
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
      for (const phrases of Object.values(meanings)) {
        const stems = phrases.map((phrase) =>
          spaced ? this.stems(phrase.replaceAll("'", " ").split(/\s+/)) : phrase.toLowerCase(),
        );
        for (const phrase of new Set(stems)) addAxis(this.lexicon, phrase, axis);
      }
    }
  }

  axesOf(words: string[]): Axes {
    return this.lexicon.get(this.stems(words)) ?? NO_AXES;
  }

  /** Return the axes of a compound, and the only part of it that is known, or null if both are. */
  compound(word: string): { axes: Axes; near: string | null } {
    const plain = this.grammar.compounds && word.length <= LONGEST_COMPOUND ? folded(word) : "";
    for (let cut = SHORTEST_STEM; cut <= plain.length - SHORTEST_TAIL; cut++) {
      const [head, tail] = [plain.slice(0, cut), plain.slice(cut)];
      const [last, first] = [this.axesOf([tail]), this.axesOfFirstPart(head)];
      if (last.length) return { axes: [...last, ...first], near: first.length ? null : tail };
      if (first.length && this.grammar.tails?.includes(tail)) return { axes: first, near: head };
    }
    return { axes: NO_AXES, near: null };
  }

  private axesOfFirstPart(head: string): Axes {
    const links = ["s", "n", "en", "es"].filter((link) => head.endsWith(link)).map((link) => head.slice(0, -link.length));
    return [head, ...links].map((link) => this.axesOf([link])).find((axes) => axes.length) ?? NO_AXES;
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
  private readonly english = new Map<string, Axes>();
  private readonly function: Set<string>;
  private readonly negations: Set<string>;
  private readonly near = new Map<string, string>();
  private readonly languages = new Map<string, Language>();

  constructor(private readonly vocabulary: Vocabulary) {
    for (const [axis, meanings] of Object.entries(vocabulary.axes)) {
      for (const words of Object.values(meanings)) for (const word of words) addAxis(this.english, word, axis);
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
    const all = [...best, ...runs].sort((one, other) => one.start - other.start);
    return all.map((phrase, index) =>
      isColour(phrase) && isOfUnknown(all, index, text, nounFirst) ? { ...phrase, known: false } : phrase,
    );
  }

  private axesOf(words: string[]): Axes {
    return singulars(words.join(" ")).map((form) => this.english.get(form)).find((axes) => axes) ?? NO_AXES;
  }

  private inEnglish(sentence: string): Phrase[] {
    const words = wordsOf(sentence, ASCII_WORD);
    const found = this.matches(words, (part) => this.axesOf(part)).map(({ first, last, span, axes }) => ({
      ...span,
      known: true,
      axes,
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
        const axes = near === null ? NO_AXES : this.axesOf([near]);
        others.push({ ...word, known: near !== null, axes, negated: this.negations.has(before), near });
      }
      before = word.text;
    }
    return [...found, ...others].sort((one, other) => one.start - other.start);
  }

  private inLanguage(sentence: string, language: Language): Phrase[] {
    const words = wordsOf(sentence, WORD);
    const isFunction = (word: string) => language.function.has(folded(word));
    const axesOf = (part: string[]) => {
      if (part.length === 1 && isFunction(part[0] ?? "")) return NO_AXES;
      const axes = language.axesOf(part);
      return axes.length ? axes : this.axesOf(part);
    };
    const matches = this.matches(words, axesOf);
    const found: Phrase[] = [];
    let at = 0;
    for (const match of [...matches, null]) {
      for (const [offset, word] of words.slice(at, match?.first ?? words.length).entries()) {
        if (isFunction(word.text)) continue;
        const { axes, near } = language.compound(word.text);
        const negated = isNegated(words, at + offset, language);
        found.push({ ...word, axes, near, known: axes.length > 0, negated });
      }
      if (!match) break;
      const { first, last, span, axes } = match;
      const text = words.slice(first, last).map((word) => word.text).join(" ");
      found.push({ ...span, text, known: true, axes, near: null, negated: isNegated(words, first, language) });
      at = last;
    }
    return found;
  }

  /** Return the phrases with the index of their first and the index after their last word. The longest phrase wins. */
  private matches(words: Word[], axesOf: (part: string[]) => Axes) {
    const found: { first: number; last: number; span: { start: number; end: number }; axes: Axes }[] = [];
    for (let position = 0; position < words.length; ) {
      let length = Math.min(this.vocabulary.longestPhrase, words.length - position);
      let axes = NO_AXES;
      for (; length > 0; length--) {
        axes = axesOf(words.slice(position, position + length).map((word) => word.text));
        if (axes.length) break;
      }
      const [first, last] = [words[position], words[position + length - 1]];
      if (length > 0 && first && last) {
        found.push({ first: position, last: position + length, span: { start: first.start, end: last.end }, axes });
      }
      position += Math.max(1, length);
    }
    return found;
  }
}

function isColour(phrase: Phrase): boolean {
  return phrase.axes.length === 1 && phrase.axes[0] === "palette" && !phrase.negated;
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
    if (next.axes.some((axis) => axis === "place" || axis === "accents")) return next;
    if (!next.axes.some((axis) => axis === "palette" || axis === "mood" || axis === "style")) noun = next;
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
  const add = (start: number, end: number, axes: Axes, negated = false) => {
    if (start === end) return;
    const [text, known] = [run.text.slice(start, end), axes.length > 0];
    found.push({ text, start: run.start + start, end: run.start + end, known, axes, negated, near: null });
  };
  let [at, unknown, negated] = [0, 0, false];
  while (at < run.text.length) {
    let length = Math.min(LONGEST_UNSPACED, run.text.length - at);
    let axes = NO_AXES;
    for (; length > 0; length--) {
      const part = run.text.slice(at, at + length);
      axes = languages.map((language) => language.lexicon.get(part)).find((found) => found) ?? NO_AXES;
      if (axes.length || first.function.has(part)) break;
    }
    if (length === 0) {
      at += 1;
      negated = false;
      continue;
    }
    add(unknown, at, NO_AXES);
    const end = at + length;
    const rest = run.text.slice(end);
    const isDenied = negated || (first.grammar.negations_after ?? []).some((one) => rest.startsWith(one));
    if (axes.length) add(at, end, axes, isDenied);
    negated = first.negations.has(run.text.slice(at, end));
    at = unknown = end;
  }
  add(unknown, at, NO_AXES);
  return found;
}
