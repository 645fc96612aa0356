// `node tests/film.ts`: make a film from a picture, and print its id.
import { Kinora } from "../src/index.ts";

const client = new Kinora();
const film = await client.films.create("a lake", { image: new Uint8Array(Buffer.from(process.argv[2] ?? "", "base64")), duration: 1, resolution: "480p" });
await film.wait();
console.log(film.id);
