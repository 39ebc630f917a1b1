/**
 * As much of GraphQL as the Admin API's clients send: one named operation with variables, arguments,
 * directives and inline fragments, without named ones or aliases. Reading the document for real, instead of
 * looking for a word in it, is what lets the simulator refuse a field that Shopify would refuse. Source:
 * GraphQL specification of October 2021, sections 2 and 6.
 */

export type Literal =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'list'; readonly items: readonly Literal[] }
  | { readonly kind: 'object'; readonly fields: readonly (readonly [string, Literal])[] };

export interface Selection {
  readonly name: string;
  readonly args: readonly (readonly [string, Literal])[];
  readonly directives: readonly Directive[];
  /** Empty for a scalar. */
  readonly selections: readonly Selection[];
  /** Set for an inline fragment: its selections hold on objects of this type alone. */
  readonly on?: string;
}

export interface Directive {
  readonly name: string;
  readonly args: readonly (readonly [string, Literal])[];
}

export interface Operation {
  readonly kind: 'query' | 'mutation';
  readonly name: string;
  readonly variables: readonly { readonly name: string; readonly type: string; readonly required: boolean }[];
  readonly selections: readonly Selection[];
}

export class GraphqlError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly extensions: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

const TOKEN = /\s+|,|#[^\n]*|([A-Za-z_]\w*|-?\d+(?:\.\d+)?|"(?:[^"\\\n]|\\.)*"|[!$():=@[\]{}]|\.\.\.)/gy;

/** @throws GraphqlError `parseError`-like when the text is no such document. */
export function parseOperation(text: string): Operation {
  return new Reader(tokensOf(text)).operation();
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw syntax(`unexpected character ${JSON.stringify(text[at])}`);
    if (match[1] !== undefined) tokens.push(match[1]);
  }
  return tokens;
}

function syntax(message: string): GraphqlError {
  return new GraphqlError(`syntax error, ${message}`, 'PARSE_ERROR');
}

class Reader {
  private at = 0;
  constructor(private readonly tokens: readonly string[]) {}

  operation(): Operation {
    const kind = this.name();
    if (kind !== 'query' && kind !== 'mutation') throw syntax(`unexpected "${kind}"`);
    const name = this.name();
    const variables = this.peek() === '(' ? this.between('(', ')', () => this.variable()) : [];
    const selections = this.between('{', '}', () => this.selection());
    if (this.at < this.tokens.length) throw syntax(`unexpected "${this.peek()}" after the operation`);
    return { kind, name, variables, selections };
  }

  private variable() {
    this.expect('$');
    const name = this.name();
    this.expect(':');
    const type = this.type();
    return { name, type, required: type.endsWith('!') };
  }

  private type(): string {
    let type: string;
    if (this.peek() === '[') {
      this.expect('[');
      type = `[${this.type()}]`;
      this.expect(']');
    } else type = this.name();
    if (this.peek() !== '!') return type;
    this.expect('!');
    return `${type}!`;
  }

  private selection(): Selection {
    if (this.peek() === '...') return this.fragment();
    const name = this.name();
    const args = this.args();
    const directives: Directive[] = [];
    while (this.peek() === '@') {
      this.expect('@');
      directives.push({ name: this.name(), args: this.args() });
    }
    const selections = this.peek() === '{' ? this.between('{', '}', () => this.selection()) : [];
    return { name, args, directives, selections };
  }

  private fragment(): Selection {
    this.expect('...');
    this.expect('on');
    const on = this.name();
    const selections = this.between('{', '}', () => this.selection());
    return { name: '...', args: [], directives: [], selections, on };
  }

  private args(): (readonly [string, Literal])[] {
    return this.peek() === '(' ? this.between('(', ')', () => this.pair()) : [];
  }

  private pair(): readonly [string, Literal] {
    const name = this.name();
    this.expect(':');
    return [name, this.literal()];
  }

  private literal(): Literal {
    const token = this.peek();
    if (token === '[') return { kind: 'list', items: this.between('[', ']', () => this.literal()) };
    if (token === '{') return { kind: 'object', fields: this.between('{', '}', () => this.pair()) };
    if (token === '$') {
      this.expect('$');
      return { kind: 'variable', name: this.name() };
    }
    this.at += 1;
    if (token === undefined || /^[!():=@\]}]$/.test(token)) throw syntax(`unexpected "${token ?? 'end'}"`);
    // An enum's value is a bare name; everything else is written as in JSON.
    const bare = /^[A-Za-z_]/.test(token) && !['true', 'false', 'null'].includes(token);
    return { kind: 'value', value: bare ? token : JSON.parse(token) };
  }

  private between<T>(open: string, close: string, read: () => T): T[] {
    this.expect(open);
    const found: T[] = [];
    while (this.peek() !== close) found.push(read());
    this.expect(close);
    return found;
  }

  private name(): string {
    const token = this.tokens[this.at];
    if (token === undefined || !/^[A-Za-z_]/.test(token))
      throw syntax(`expected a name, found "${token ?? 'end'}"`);
    this.at += 1;
    return token;
  }

  private expect(token: string): void {
    if (this.tokens[this.at] !== token)
      throw syntax(`expected "${token}", found "${this.tokens[this.at] ?? 'end'}"`);
    this.at += 1;
  }

  private peek(): string | undefined {
    return this.tokens[this.at];
  }
}
