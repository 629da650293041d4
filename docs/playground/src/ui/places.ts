/** Where the book's pages lie beside the Playground. */

export function notebook(name: string, section = ""): string {
  return `../notebooks/${name}.html${section ? `#${section}` : ""}`;
}
