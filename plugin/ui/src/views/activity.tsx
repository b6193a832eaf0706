import { React } from "../host";

export const Activity = () => <p>Activity</p>;
