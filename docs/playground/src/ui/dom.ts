/** Small help with the page's elements. */

type Child = Node | string | null | false;
type Properties = Record<string, unknown>;

/** An element with properties ("class", "aria-label", "onclick", ...) and children. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, properties: Properties = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value as EventListener);
    else if (typeof value === "boolean" && key in element) (element as unknown as Properties)[key] = value;
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== false));
  return element;
}

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element '${id}'.`);
  return found;
}

/** A canvas of this many pixels, shown with sharp edges. */
export function canvas(width: number, height: number, properties: Properties = {}): HTMLCanvasElement {
  return el("canvas", { width, height, ...properties });
}

/** A labelled choice from a list; `words` says how each value is written. */
export function select<T extends string | number>(
  label: string, values: readonly T[], words: (value: T) => string, change: (value: T) => void,
): { element: HTMLElement; set: (value: T) => void } {
  const input = el("select", { onchange: () => change(values[input.selectedIndex]) }, ...values.map((value) => el("option", { value }, words(value))));
  return { element: el("label", { class: "field" }, el("span", {}, label), input), set: (value) => void (input.value = String(value)) };
}

/** An entry of the legend of masks: a colour and its name. */
export function key(kind: string, words: string): HTMLElement {
  return el("span", {}, el("i", { class: `key ${kind}` }), words);
}

/** Copy a text; where the browser forbids it, show it to be copied by hand. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
