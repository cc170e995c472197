// The file calls of the vendor's library for JavaScript; prints what each returned.
import { MiniMaxSDK } from "mmx-cli/sdk";

const [baseUrl, apiKey, path] = process.argv.slice(2);
const { file } = new MiniMaxSDK({ apiKey, baseUrl });
const upload = await file.upload(path);
const id = upload.file.file_id;
const told = { upload, list: await file.list(), retrieve: await file.retrieve(String(id)) };
told.delete = await file.delete(id);
console.log(JSON.stringify(told));
