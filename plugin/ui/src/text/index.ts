import { activity } from "./activity";
import { check } from "./check";
import { text as common } from "./common";
import { find } from "./find";
import { gaps } from "./gaps";
import { overview } from "./overview";
import { places } from "./places";
import { preview } from "./preview";
import { queue } from "./queue";
import { scene } from "./scene";
import { settings } from "./settings";
import { setup } from "./setup";
import { words } from "./words";

export const text = { ...common, activity, check, find, gaps, overview, places, preview, queue, scene, settings, setup, words };
