/*
 * locale_code.c
 *		ISO 639-1 to ISO 639-3, one word of five letters for each language: the two, then the three.
 */
#include "message/locale_code.h"

#include <ctype.h>
#include <string.h>

#define WORD 6 /* with the blank behind it */

static const char languages[] =
	"aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul "
	"bibis bmbam bnben bobod brbre bsbos cacat ceche chcha cocos crcre csces cuchu cvchv cycym "
	"dadan dedeu dvdiv dzdzo eeewe elell eneng eoepo esspa etest eueus fafas ffful fifin fjfij "
	"fofao frfra fyfry gagle gdgla glglg gngrn guguj gvglv hahau heheb hihin hohmo hrhrv hthat "
	"huhun hyhye hzher iaina idind ieile igibo iiiii ikipk ioido isisl itita iuiku jajpn jvjav "
	"kakat kgkon kikik kjkua kkkaz klkal kmkhm knkan kokor krkau kskas kukur kvkom kwcor kykir "
	"lalat lbltz lglug lilim lnlin lolao ltlit lulub lvlav mgmlg mhmah mimri mkmkd mlmal mnmon "
	"mrmar msmsa mtmlt mymya nanau nbnob ndnde nenep ngndo nlnld nnnno nonor nrnbl nvnav nynya "
	"ococi ojoji omorm orori ososs papan pipli plpol pspus ptpor quque rmroh rnrun roron rurus "
	"rwkin sasan scsrd sdsnd sesme sgsag sisin skslk slslv smsmo snsna sosom sqsqi srsrp ssssw "
	"stsot susun svswe swswa tatam tetel tgtgk ththa titir tktuk tltgl tntsn toton trtur tstso "
	"tttat twtwi tytah uguig ukukr ururd uzuzb veven vivie vovol wawln wowol xhxho yiyid yoyor "
	"zazha zhzho zuzul ";

static bool
language_find(const char *two, char code[LOCALE_CODE_SIZE])
{
	for (const char *word = languages; *word != '\0'; word += WORD)
	{
		if (word[0] == two[0] && word[1] == two[1])
		{
			memcpy(code, word + 2, 3);
			code[3] = '\0';
			return true;
		}
	}
	return false;
}

static bool
region_is_valid(const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
	{
		if (!isalnum((unsigned char) text[i]) && strchr("-_./@", text[i]) == NULL)
			return false;
	}
	return length >= 1 && length <= 30;
}

bool
locale_code_read(const char *text, char code[LOCALE_CODE_SIZE], bool *has_region)
{
	size_t length = 0;
	char letters[LOCALE_CODE_SIZE] = "";

	while (length < 4 && isalpha((unsigned char) text[length]))
		length++;
	if (length < 2 || length > 3)
		return false;
	for (size_t i = 0; i < length; i++)
		letters[i] = (char) tolower((unsigned char) text[i]);
	*has_region = text[length] != '\0';
	if (*has_region && (strchr("-_/", text[length]) == NULL || !region_is_valid(text + length + 1)))
		return false;
	if (length == 2)
		return language_find(letters, code);
	memcpy(code, letters, LOCALE_CODE_SIZE);
	return true;
}
