"""Words of a question that change no figure when they are left out: closed lists, on purpose.

A word that is neither here nor understood is noticed, and no figure is given: a list that is too short costs a question
back, one that is too long costs a wrong figure. So no noun stands here that could narrow what is summed.
"""

from agent.intents import Intent

_ALWAYS = """
a an the is are was were be been being am do does did done has have had and or of to in on for from at with by per into
onto as it its it's this that these those there here them they their we us our ours i me my mine you your he she who
whose what what's which when where how much can could would shall should may might must also so then now ok okay well
hey hi hello spendgate please pls kindly just only too still again same instead about regarding all any some each every
both if s t re ve d ll m let lets tell show give list get got see know want like need find look view display report
provide answer question wondering curious understand happen ask asking asked break breaks broken breaking down
breakdown split splits detail details summary summarise summarize overview cost costs costed costing spend spends spent
spending spender spenders expense expenses expensive expenditure bill bills billing charge charges charged pay pays
paid paying price priced money dollar dollars usd amount amounts figure total totals sum sums summed overall altogether
usage use uses used using worth effective amortised amortized actual real cloud far up compare compares compared
comparing comparison between versus vs against relative than over more less change changes changed changing difference
differ increase increases increased decrease decreases decreased growth grow grows grew fastest growing rise rises rose
rising fall falls fell falling drop drops dropped trend develop developed go goes went gone going look looks looked
moving moved most largest biggest highest top first costliest priciest recently lately burn burns burning burned burnt
consume consumes consumed thanks thank great good nice fine yes company company's organisation organisation's
organization organization's bank bank's business last current currently previous distributed divided whole entire make
makes made really actually exactly roughly approximately around one ones come comes came
"""
_BY_INTENT: dict[Intent, str] = {
    Intent.WHY: """
    why explain explains caused cause causes drove drive drives driver drivers driving behind reason reasons happened
    happens happening jump jumps jumped spike spikes spiked surge surged how's come sudden suddenly high higher low
    lower big bigger shoot shot explode exploded because unusual
    """,
    Intent.ANOMALIES: """
    anomaly anomalies anomalous unusual unusually outlier outliers strange odd oddly suspicious unexpected unexpectedly
    spike spikes spiked weird anything something detect detected notice noticed stand stands out event events jump jumps
    """,
    Intent.SAVINGS: """
    idle saving savings save saved saves waste wasted wasting wastes unused underutilised underutilized under-utilised
    under-utilized utilised utilized optimise optimize optimising optimizing optimisation optimization cut reduce
    reduced reducing gpu gpus machine machines instance instances vm vms server servers ec2 opportunity opportunities
    potential recommend recommendation recommendations anything something everything stop stopped stopping turn off
    shut biggest endpoint endpoints ai
    """,
    Intent.PROPOSE: """
    propose proposes proposed proposing proposal proposals raise stop stopping stops shut shutting turn turning switch
    off power kill halt park start starting boot idle gpu gpus machine machines instance instances vm vms server servers
    box boxes node nodes notebook notebooks endpoint endpoints ec2 own unused second third fourth fifth 2nd 3rd 4th 5th
    1st smallest cheapest worst largest-saving saving savings save saves ask people approval
    """,
    Intent.SHARE: "share shares part percentage proportion fraction percent represent represents accounts",
}
ALWAYS = frozenset(_ALWAYS.split())
BY_INTENT = {intent: frozenset(words.split()) for intent, words in _BY_INTENT.items()}
