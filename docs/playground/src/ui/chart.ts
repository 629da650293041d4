/** A small line chart in SVG: one or two lines over the training steps. */

export interface Line {
  colour: string;
  dash?: string;
  points: [number, number][];
}

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [420, 190, 40, 26, 10, 16];

export function chart(lines: Line[], steps: number, highest: number, title: string): string {
  const x = (step: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * step) / steps;
  const y = (value: number): number => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * Math.min(value, highest)) / highest;
  const ticks = [0, highest / 2, highest];
  const words = (value: number): string => String(Number(value.toPrecision(2))).replace(/^0(?=\.)/, "");
  const said = lines.map((line) => (line.points.length ? `${words(line.points[line.points.length - 1][1])}` : "nothing yet")).join(" and ");
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}: now ${said}">` +
    ticks.map((value) => `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}"/><text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${words(value)}</text>`).join("") +
    [0, steps / 2, steps].map((step) => `<text x="${x(step)}" y="${HEIGHT - 8}" text-anchor="middle">${Math.round(step)}</text>`).join("") +
    `<text x="${x(0.75 * steps)}" y="${HEIGHT - 8}" text-anchor="middle">training step</text>` +
    lines.map(({ colour, dash, points }) => `<polyline fill="none" style="stroke: ${colour}" ${dash ? `stroke-dasharray="${dash}"` : ""} points="${thin(points).map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" ")}"/>`).join("") +
    `</svg>`;
}

/** At most 300 points: means of neighbours. */
function thin(points: [number, number][]): [number, number][] {
  const each = Math.ceil(points.length / 300);
  if (each <= 1) return points;
  const found: [number, number][] = [];
  for (let i = 0; i < points.length; i += each) {
    const part = points.slice(i, i + each);
    found.push([part[part.length - 1][0], part.reduce((sum, [, value]) => sum + value, 0) / part.length]);
  }
  return found;
}
