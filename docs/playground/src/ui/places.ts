/** Where the book's pages lie beside the Playground. */

/** The glossary's entry of a word. */
export function glossary(entry: string): string {
  return notebook("GLOSSARY", entry);
}

export function notebook(name: string, section = ""): string {
  return `../notebooks/${name}.html${section ? `#${section}` : ""}`;
}
