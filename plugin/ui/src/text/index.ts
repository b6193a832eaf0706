import { activity } from "./activity";
import { check } from "./check";
import { text as common } from "./common";
import { gaps } from "./gaps";
import { overview } from "./overview";
import { places } from "./places";
import { preview } from "./preview";
import { queue } from "./queue";
import { scene } from "./scene";
import { settings } from "./settings";
import { setup } from "./setup";

export const text = { ...common, activity, check, gaps, overview, places, preview, queue, scene, settings, setup };
