/** The one WebSocket of a tab. It reconnects by itself, and subscribes again to each job that somebody watches. */
import ReconnectingWebSocket from "partysocket/ws";
import { demand } from "@/features/session/failure";
import { api, session } from "@/features/session/session";
import { eventOf, type JobEvent } from "./events";

export type Connection = "connecting" | "open" | "lost";
type Watcher = (event: JobEvent) => void;

const PING_SECONDS = 240; // API Gateway closes a connection after ten quiet minutes
const watchers = new Map<string, Set<Watcher>>();
const listeners = new Set<() => void>();
let connection: Connection = "connecting";
let socket: ReconnectingWebSocket | null = null;

async function address(): Promise<string> {
  const [site, ticket] = await Promise.all([
    fetch("/studio.json").then((answer) => answer.json() as Promise<{ socketUrl: string }>),
    api.POST("/api/auth/ws-ticket").then(demand),
  ]);
  return `${site.socketUrl}?ticket=${encodeURIComponent(ticket.ticket)}`;
}

function change(next: Connection): void {
  connection = next;
  for (const listener of listeners) listener();
}

function open(): ReconnectingWebSocket {
  const opened = new ReconnectingWebSocket(address, [], { maxReconnectionDelay: 8000, minReconnectionDelay: 500 });
  opened.addEventListener("open", () => {
    change("open");
    for (const jobId of watchers.keys()) send(opened, "subscribe", jobId);
  });
  opened.addEventListener("close", () => change("lost"));
  opened.addEventListener("message", ({ data }) => {
    const event = eventOf(String(data));
    for (const watcher of event ? (watchers.get(event.jobId) ?? []) : []) if (event) watcher(event);
  });
  setInterval(() => opened.readyState === opened.OPEN && opened.send('{"type":"ping"}'), PING_SECONDS * 1000);
  addEventListener("online", () => opened.reconnect());
  return opened;
}

function send(to: ReconnectingWebSocket, type: "subscribe" | "unsubscribe", jobId: string): void {
  if (to.readyState === to.OPEN) to.send(JSON.stringify({ type, channel: `job:${jobId}` }));
}

session.subscribe(() => {
  if (session.state() !== "out") return;
  socket?.close();
  socket = null;
});

/** Call `watcher` with each event of the job, the snapshot first, until the returned function is called. */
export function watch(jobId: string, watcher: Watcher): () => void {
  socket ??= open();
  const those = watchers.get(jobId) ?? new Set();
  watchers.set(jobId, those.add(watcher));
  send(socket, "subscribe", jobId);
  return () => {
    those.delete(watcher);
    if (those.size) return;
    watchers.delete(jobId);
    if (socket) send(socket, "unsubscribe", jobId);
  };
}

export const socketState = {
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  get: (): Connection => connection,
};
