import more from "../../../messages/en/more";
import { addEnglish } from "./text";

addEnglish(more); // a page that shows such a text imports this module
