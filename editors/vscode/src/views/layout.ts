// Where the boxes of a lineage go: in layers from what asks to what is asked, crossings kept few.
import type { LineageEdge, LineageNode } from '../protocol';
import { width } from './cells';

export interface Box {
  node: LineageNode;
  layer: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Drawing {
  boxes: Map<string, Box>;
  /** Boxes of each layer from top to bottom. */
  layers: Box[][];
  width: number;
  height: number;
}

const HEIGHT = 46;
const ROW = 62;
const GAP = 48;
const MARGIN = 16;
const CHARACTER = 7.4;

export function draw(nodes: readonly LineageNode[], edges: readonly LineageEdge[]): Drawing {
  const known = new Set(nodes.map((node) => node.id));
  const real = edges.filter((edge) => known.has(edge.from) && known.has(edge.to) && edge.from !== edge.to);
  const layerOf = layered(nodes, real);
  const layers: Box[][] = [];
  const boxes = new Map<string, Box>();
  for (const node of nodes) {
    const layer = layerOf.get(node.id) ?? 0;
    const words = Math.max(width(node.name) + width(node.kind) + 1, width(node.label ?? ''));
    const wide = Math.min(300, Math.max(110, 32 + CHARACTER * words));
    const box = { node, layer, x: 0, y: 0, width: Math.ceil(wide), height: HEIGHT };
    (layers[layer] ??= []).push(box);
    boxes.set(node.id, box);
  }
  for (let index = 0; index < layers.length; index++) layers[index] ??= [];
  untangle(layers, boxes, real);
  let x = MARGIN;
  const tallest = Math.max(1, ...layers.map((layer) => layer.length));
  for (const layer of layers) {
    const widest = Math.max(0, ...layer.map((box) => box.width));
    layer.forEach((box, index) => {
      box.x = x;
      box.width = widest;
      box.y = MARGIN + ((tallest - layer.length) * ROW) / 2 + index * ROW;
    });
    if (layer.length > 0) x += widest + GAP;
  }
  return { boxes, layers, width: x - GAP + MARGIN, height: 2 * MARGIN + (tallest - 1) * ROW + HEIGHT };
}

/** The longest way from a node that nobody asks for; what lies on a cycle stays where it was met. */
function layered(nodes: readonly LineageNode[], edges: readonly LineageEdge[]): Map<string, number> {
  const out = new Map<string, string[]>();
  const incoming = new Map<string, number>(nodes.map((node) => [node.id, 0]));
  for (const { from, to } of edges) {
    out.set(from, [...(out.get(from) ?? []), to]);
    incoming.set(to, (incoming.get(to) ?? 0) + 1);
  }
  const layer = new Map<string, number>(nodes.map((node) => [node.id, 0]));
  const ready = nodes.filter((node) => incoming.get(node.id) === 0).map((node) => node.id);
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    for (const to of out.get(id) ?? []) {
      layer.set(to, Math.max(layer.get(to) ?? 0, (layer.get(id) ?? 0) + 1));
      const left = (incoming.get(to) ?? 0) - 1;
      incoming.set(to, left);
      if (left === 0) ready.push(to);
    }
  }
  return layer;
}

/** Each box between its neighbours, a few times back and forth. */
function untangle(layers: Box[][], boxes: Map<string, Box>, edges: readonly LineageEdge[]): void {
  const neighbours = new Map<string, string[]>();
  for (const { from, to } of edges) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
    neighbours.set(to, [...(neighbours.get(to) ?? []), from]);
  }
  const place = new Map<string, number>();
  const note = (layer: Box[]): void => layer.forEach((box, index) => place.set(box.node.id, index - (layer.length - 1) / 2));
  layers.forEach(note);
  for (let sweep = 0; sweep < 6; sweep++) {
    const forward = sweep % 2 === 0;
    for (const layer of forward ? layers : [...layers].reverse()) {
      const weight = (box: Box): number => {
        const near = (neighbours.get(box.node.id) ?? [])
          .map((id) => boxes.get(id))
          .filter((other): other is Box => other !== undefined && (forward ? other.layer < box.layer : other.layer > box.layer))
          .map((other) => place.get(other.node.id) ?? 0);
        return near.length > 0 ? near.reduce((sum, one) => sum + one, 0) / near.length : (place.get(box.node.id) ?? 0);
      };
      const weights = new Map(layer.map((box) => [box.node.id, weight(box)]));
      layer.sort((one, other) => (weights.get(one.node.id) ?? 0) - (weights.get(other.node.id) ?? 0));
      note(layer);
    }
  }
}
